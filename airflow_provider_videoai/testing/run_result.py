# SPDX-License-Identifier: Apache-2.0
"""What became of a DAG run. It imports nothing, as every pytest of an environment with this package loads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, Self

__all__ = ["RunResult", "States", "TaskResult", "Word", "explained"]

_SHOWN = 30
"""Lines of a task's log that an assertion's text shows: its last ones."""


class _Reports(Protocol):
    def report(self) -> str: ...


class Word(str):
    """A state as Airflow writes it; if an assertion on it fails, its text holds the logs.

    :param about: the task or the run whose state it is.
    """

    __slots__ = ("about",)
    about: _Reports

    def __new__(cls, state: str, about: _Reports) -> Self:
        """Make it equal to the plain string."""
        word = super().__new__(cls, state)
        word.about = about
        return word


class States(dict[str, str]):
    """The state of each task by its label; if an assertion on it, or on one of them, fails, its text holds the logs."""

    def __init__(self, states: dict[str, str], about: _Reports) -> None:
        super().__init__(states)
        self.about = about


@dataclass(frozen=True)
class TaskResult:
    """One task of a run, or one copy of a mapped task.

    :param task_id: with the ids of its task groups.
    :param map_index: -1 if it is not mapped.
    :param tries: how often it was attempted.
    :param xcoms: by key; ``return_value`` is also :attr:`result`.
    :param error: what its last attempt raised; ``None`` if it did not fail.
    :param log: of all attempts.
    :param charges: of the jobs that were bought for it, with ``vendor``, ``operation``, ``job_id``, ``request`` and
        ``attempt``, the number of the attempt that bought it.
    :param one_job: whether it may buy one job only: it is an operator of this package, and not a batch.
    """

    task_id: str
    map_index: int
    plain_state: str
    tries: int
    xcoms: dict[str, Any] = field(repr=False)
    error: str | None
    log: str = field(repr=False)
    charges: list[dict[str, Any]] = field(repr=False)
    one_job: bool = field(default=False, repr=False)

    @property
    def label(self) -> str:
        """The id of the task, with the map index of a copy: ``clean[0]``."""
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"

    @property
    def state(self) -> str:
        """Airflow's word: ``success``, ``failed``, ``skipped``, ``upstream_failed`` ..."""
        return Word(self.plain_state, self)

    @property
    def result(self) -> Any:
        """What the task returned; ``None`` if it returned nothing, or failed."""
        return self.xcoms.get("return_value")

    def report(self) -> str:
        """Return the state, the error and the end of the log."""
        lines = self.log.rstrip().splitlines()
        tries = "" if self.tries <= 1 else f" after {self.tries} attempts"
        shown = lines[-_SHOWN:] or ["(it logged nothing)"]
        why = "" if self.error is None else f": {self.error}"
        return "\n".join([f"{self.label}: {self.plain_state}{tries}{why}", *(f"  {line}" for line in shown)])


@dataclass(frozen=True)
class RunResult:
    """A DAG run that has ended.

    ``run["clean"]`` is a task, ``run["clean", 0]`` a copy of a mapped one.

    :param dag_id: of the DAG.
    :param run_id: of the run.
    :param tasks: all of its tasks and copies, in the order of the DAG.
    """

    dag_id: str
    run_id: str
    plain_state: str
    tasks: list[TaskResult] = field(repr=False)

    @property
    def state(self) -> str:
        """``success`` or ``failed``."""
        return Word(self.plain_state, self)

    @property
    def states(self) -> dict[str, str]:
        """The state of each task, and of each copy of a mapped one: ``{"cut": "success", "clean[0]": "failed"}``."""
        return States({task.label: task.state for task in self.tasks}, self)

    @property
    def charges(self) -> list[dict[str, Any]]:
        """What was bought in this run: see :class:`TaskResult`; ``task`` is the label of the task that bought it."""
        return [{"task": task.label, **charge} for task in self.tasks for charge in task.charges]

    def copies(self, task_id: str) -> list[TaskResult]:
        """Return the copies of a mapped task, by map index; of another task, that one.

        :param task_id: with the ids of its task groups.
        :raises KeyError: if there is no such task.
        """
        found = [task for task in self.tasks if task.task_id == task_id]
        if not found:
            raise KeyError(f"{self.dag_id} has no task {task_id!r}; it has {', '.join(self.states)}")
        return found

    def __getitem__(self, which: str | tuple[str, int]) -> TaskResult:
        task_id, map_index = (which, -1) if isinstance(which, str) else which
        copies = self.copies(task_id)
        found = [task for task in copies if task.map_index == map_index]
        if not found:
            there = ", ".join(task.label for task in copies)
            raise KeyError(f"{self.dag_id}: {task_id!r} has no copy {map_index}; there are {there}")
        return found[0]

    def report(self) -> str:
        """Return the states, and the end of the log of each task that did not succeed."""
        states = ", ".join(f"{label} {state}" for label, state in self.states.items())
        odd = [task.report() for task in self.tasks if task.plain_state not in ("success", "skipped")]
        return "\n".join([f"run {self.run_id} of {self.dag_id}: {self.plain_state} ({states})", *odd])


def explained(left: object, right: object) -> list[str] | None:
    """Return the lines of a comparison that failed, for pytest; ``None`` if it is about no run.

    :param left: as it was written.
    :param right: the same.
    """
    about = next((each.about for each in (left, right) if isinstance(each, Word | States)), None)
    if about is None:
        return None
    shown = [dict(each) if isinstance(each, States) else each for each in (left, right)]
    return [f"{shown[0]!r} == {shown[1]!r}", *about.report().splitlines()]
