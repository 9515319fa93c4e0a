# SPDX-License-Identifier: Apache-2.0
"""Judge a round by the vendor's ledger and by what its user saw. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tests.chaos.kinds import Kind


class Fault(StrEnum):
    """What must never be."""

    BOUGHT_TWICE = "bought twice"
    LOST = "lost"
    STUCK = "stuck"
    UNCERTAIN_FOR_NOTHING = "uncertain for nothing"
    NOT_AS_EXPECTED = "not as expected"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True)
class Sight:
    """What there is to see when a task has ended: its state, its error's class and text, its result's job id."""

    state: str
    error: str | None = None
    text: str = ""
    job_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """How a round went: each end of the task in turn, and the jobs that the vendor's ledger holds for it.

    ``bought_at_end`` counts the jobs at each of those ends; ``struck`` is whether the blow fell at all; ``measured`` is
    what was found wrong with more than this round; ``unexpected`` is an error of the harness that ended it. ``items``
    are those of a batch: each is judged as a task with one job is, and the batch itself by the rest.
    """

    kind: Kind
    vendor: str
    struck: bool = True
    stuck: str | None = None
    unexpected: str | None = None
    sights: tuple[Sight, ...] = ()
    bought: tuple[str, ...] = ()
    bought_at_end: tuple[int, ...] = field(default=())
    measured: tuple[str, ...] = ()
    seconds: float = 0.0
    items: Mapping[str, Facts] = field(default_factory=dict)

    @property
    def uncertain(self) -> bool:
        """Whether the task, or an item of it, ended in ``SubmitUncertain`` at least once."""
        return any(sight.error == "SubmitUncertain" for sight in self.sights) or any(
            item.uncertain for item in self.items.values()
        )

    @property
    def wanted(self) -> int:
        """How many jobs the user knowingly requests."""
        return sum(item.wanted for item in self.items.values()) if self.items else self.kind.bought


def judge(facts: Facts) -> list[tuple[Fault, str]]:
    """Return everything that is wrong with a round; nothing, if all is well."""
    wrong = []
    if facts.unexpected is not None:
        wrong.append((Fault.UNEXPECTED, facts.unexpected))
    if facts.stuck is not None:
        wrong.append((Fault.STUCK, facts.stuck))
    ended = not wrong  # else what a user sees in the end was not looked at
    if facts.items:
        judged = ((name, *each) for name, item in facts.items.items() for each in _judge_job(item, ended=ended))
        wrong += [(fault, f"{name}: {text}") for name, fault, text in judged]
    else:
        wrong += _judge_job(facts, ended=ended)
    if ended:
        wrong += [(Fault.NOT_AS_EXPECTED, text) for text in _surprises(facts)]
    return wrong


def _judge_job(facts: Facts, *, ended: bool) -> list[tuple[Fault, str]]:
    wrong = []
    if len(facts.bought) > _allowed(facts):
        wrong.append((Fault.BOUGHT_TWICE, f"{len(facts.bought)} jobs: {', '.join(facts.bought)}"))
    if not ended:
        return wrong
    for sight, bought in zip(facts.sights, facts.bought_at_end, strict=True):
        if bought and not _found(sight, facts.bought):
            wrong.append((Fault.LOST, f"{bought} bought, and the user sees {sight.state}: {sight.error} {sight.text}"))
    if facts.uncertain and not facts.kind.may_be_uncertain(facts.vendor):
        wrong.append((Fault.UNCERTAIN_FOR_NOTHING, facts.sights[0].text))
    last = facts.sights[-1] if facts.sights else Sight("never seen")
    if last.state != "success":
        wrong.append((Fault.NOT_AS_EXPECTED, f"no success in the end: {last.state}, {last.error} {last.text}"))
    elif not facts.bought or last.job_id != facts.bought[-1]:
        wrong.append(
            (Fault.NOT_AS_EXPECTED, f"the result is of {last.job_id}, the last job bought is {facts.bought[-1:]}")
        )
    return wrong


def _allowed(facts: Facts) -> int:
    # If the vendor can be queried for the lost job, even a user who would rather pay twice pays once.
    resubmits = facts.kind.conf.get("on_uncertain_submit") == "resubmit"
    return 1 if resubmits and facts.vendor == "cdnetworks" else facts.kind.bought


def _found(sight: Sight, bought: tuple[str, ...]) -> bool:
    """Whether the user has the job, or a message that says how to get it."""
    if sight.state == "success":
        return sight.job_id in bought
    if any(job_id in sight.text for job_id in bought):
        return True
    return sight.error == "SubmitUncertain" and "console" in sight.text and "'job_id'" in sight.text


def _surprises(facts: Facts) -> list[str]:
    found = list(facts.measured)
    if not facts.struck:
        found.append("the blow never fell: the round proves nothing")
    if facts.items and facts.sights[-1].state != "success":
        found.append(f"the batch did not succeed in the end: {facts.sights[-1].error} {facts.sights[-1].text}")
    wanted = facts.kind.error
    if wanted is not None and facts.sights[0].error != wanted:
        found.append(f"expected {wanted} first, saw {facts.sights[0].error}")
    return found
