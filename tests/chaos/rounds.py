# SPDX-License-Identifier: Apache-2.0
"""Play one round: order its faults, start its run, do the user's deed, and write down what was seen."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from processes import wait_for

from airflow_provider_videoai.sandbox.running import Sandbox
from tests.chaos.kinds import Deed, Kind, When
from tests.chaos.patient import Patient, Tasks
from tests.chaos.verdict import Facts, Sight

TIMEOUT_SECONDS = 300
log = logging.getLogger(__name__)
_LOG_SECONDS = 30
_ENDED = ("success", "failed", "upstream_failed", "skipped", "removed")
_ERROR = re.compile(
    r"\b(SubmitUncertain|SubmitRejected|AuthenticationFailed|QuotaExceeded|ContentRejected|InvalidRequest|JobFailed|"
    r"JobAborted|JobNotFound|JobTimedOut|ResultUnavailable|VendorUnavailable|BatchFailed): (.*)"
)


A_co = TypeVar("A_co", bound=Patient, covariant=True)


@dataclass(frozen=True, slots=True)
class Stage(Generic[A_co]):
    """What rounds are played on: a real Airflow and the sandbox."""

    arena: A_co
    tasks: Tasks
    sandbox: Sandbox
    markers: Path


class Round:
    """One round, of one kind, at one vendor. ``name`` is the run's id, and stands in the vendor's request."""

    said_when_stopped: Mapping[When, str] = {
        When.WAITING: "goes on at the vendor",
        When.SUBMITTING: "A submit is in flight",
    }
    """What the log of a task must say that a user stopped."""

    def __init__(self, stage: Stage[Patient], kind: Kind, vendor: str, name: str) -> None:
        self.kind = kind
        self.vendor = vendor
        self.name = name
        self._stage = stage
        self._dag_id = f"paid_once_{vendor}"
        self._target = name  # a text that stands in the request at which a fault strikes
        self._sights: list[Sight] = []
        self._counts: list[int] = []

    def play(self, weather: Callable[[str], None] | None = None) -> Facts:
        """Play it to its end, whatever happens.

        :param weather: waits until the blow that falls on all rounds alike is over; takes the round's name.
        """
        struck = True
        try:
            self._begin()
            if weather is not None:
                if self.kind.waits:
                    self._until(_deferred)
                weather(self.name)
            else:
                self._do_the_deed()
            self._end()
            struck = self._struck()
            self._follow_the_error_message()
        except TimeoutError as late:
            return self._facts(stuck=str(late))
        except Exception as error:
            # One round less is no reason to lose what the others showed.
            log.exception("%s: unexpected", self.name)
            return self._facts(unexpected=f"{type(error).__name__}: {error}")
        return self._facts(struck=struck)

    def give_up(self) -> None:
        """Wait for nothing any more: the whole run is being ended."""
        self._stage.tasks.close()

    # -- the round -----------------------------------------------------------------------------------------

    def _begin(self) -> None:
        kind, stage = self.kind, self._stage
        if kind.fault is not None:
            stage.sandbox.fault(vendor=self.vendor, match=self._target, **kind.fault)
        conf = {"round": self.name, "step": kind.step, "evict": kind.evict, **kind.conf}
        stage.arena.begin(self._dag_id, self.name, conf)
        if kind.poll_fault is not None:
            job_id = self._accepted()[0]
            stage.sandbox.fault(vendor=self.vendor, match=job_id, **kind.poll_fault)

    def _accepted(self) -> list[str]:
        wait_for(self._bought, TIMEOUT_SECONDS, f"{self.name}: nothing was submitted")
        return self._bought()

    def _do_the_deed(self) -> None:
        if self.kind.deed is Deed.NOTHING:
            return
        if self.kind.when is When.ENDED:
            self._end()
            self._clear_what_ended()
            return
        if self.kind.when is When.SUBMITTING:
            self._accepted()
        else:
            self._until_it_waits()
        if self.kind.deed is Deed.CLEAR:
            self._clear()
            self._read_what_goes_on()
        else:
            self._mark(self.kind.deed)
            self._until(_ended)
            self._read_what_goes_on()
            self._clear_what_ended()

    def _until_it_waits(self) -> None:
        # A deferred task that no triggerer has begun to run yet has nothing that could say what goes on.
        self._until(_deferred)
        self._until_the_log_says("Waiting for ")

    def _read_what_goes_on(self) -> None:
        self._until_the_log_says(self.said_when_stopped[self.kind.when])

    def _until_the_log_says(self, text: str) -> None:
        log = partial(self._stage.arena.task_log, self._dag_id, self.name, "make", 1)
        wait_for(lambda: text in log(), _LOG_SECONDS, f"{self.name}: the log does not say {text!r}")

    def _mark(self, deed: Deed) -> None:
        arena, run = self._stage.arena, (self._dag_id, self.name)
        if deed is Deed.FAIL_RUN:
            arena.mark_run(*run, "failed")
        else:
            arena.mark_task(*run, "failed" if deed is Deed.FAIL else "success")

    def _end(self) -> None:
        """Wait for an end of the task and write it down; an error that a clear resolves is followed by one."""
        self._see(self._until(_ended))
        if self.kind.error is not None and self._sights[-1].error == self.kind.error:
            self._clear_what_ended()
            self._see(self._until(_ended))

    def _follow_the_error_message(self) -> None:
        """Follow the message of ``SubmitUncertain``: check the vendor's ledger, then attach, or submit again."""
        if self._sights[-1].error != "SubmitUncertain":
            return
        arena, path = self._stage.arena, self._stage.arena.stored(self._dag_id, self.name)
        record = arena.api("GET", path)["value"]
        if bought := self._bought():
            arena.api("PATCH", path, json={"value": {**record, "phase": "submitted", "job_id": bought[-1]}})
        else:
            arena.api("DELETE", path)
        self._clear_what_ended()
        self._see(self._until(_ended))

    # -- what is seen --------------------------------------------------------------------------------------

    def _clear_what_ended(self) -> None:
        # As a person does, once the run has ended too: in the instant in which the scheduler ends a run, it overwrites
        # what a clear has done to it, and nothing runs ever again.
        self._stage.arena.finish(self._dag_id, self.name, TIMEOUT_SECONDS)
        self._clear()

    def _clear(self) -> None:
        self._stage.arena.clear(self._dag_id, self.name)

    def _until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        return self._stage.tasks.until(self.name, condition, TIMEOUT_SECONDS)

    def _see(self, task: dict[str, Any]) -> None:
        arena, path = self._stage.arena, (self._dag_id, self.name, "make")
        self._counts.append(len(self._bought()))
        if task["state"] == "success":
            result = arena.xcom(*path)
            self._sights.append(Sight("success", job_id=(result or {}).get("job_id")))
            return
        said = _ERROR.findall(arena.task_log(*path, task["try_number"]))
        error, text = said[-1] if said else (None, "")
        self._sights.append(Sight(task["state"], error, text))

    def _bought(self) -> list[str]:
        return self._bought_for(self.name)

    def _bought_for(self, text: str) -> list[str]:
        """Return the jobs that the vendor accepted for requests in which a text stands."""
        entries = self._stage.sandbox.ledger(self.vendor)["submissions"]
        mine = (entry for entry in entries if text in str(entry["request"]))
        return [entry["job_id"] for entry in mine if entry["outcome"] == "accepted"]

    def _struck(self) -> bool:
        if self.kind.step != "none":
            return (self._stage.markers / self.name).exists()
        if self.kind.fault is None and self.kind.poll_fault is None:
            return True
        texts = (self._target, *self._bought())
        return any(fault["fired"] for fault in self._stage.sandbox.faults() if fault["match"] in texts)

    def _facts(self, *, struck: bool = True, stuck: str | None = None, unexpected: str | None = None) -> Facts:
        return Facts(
            kind=self.kind,
            vendor=self.vendor,
            struck=struck,
            stuck=stuck,
            unexpected=unexpected,
            sights=tuple(self._sights),
            bought=tuple(self._bought()),
            bought_at_end=tuple(self._counts),
        )


def _deferred(task: dict[str, Any]) -> bool:
    return task["state"] == "deferred"


def _ended(task: dict[str, Any]) -> bool:
    return task["state"] in _ENDED
