# SPDX-License-Identifier: Apache-2.0
"""A judge that finds nothing proves nothing: each thing that must never be is found."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest

from tests.chaos.kinds import BATCHES, SINGLE, STORMS, VENDORS, Kind
from tests.chaos.verdict import Facts, Fault, Sight, judge

HOW_TO_GO_ON = "Look for a job of that time in Topview's console. If it is there, set 'job_id' to its id ..."
KILLED = Kind(name="killed", step="request_sent", uncertain=True)
DONE = Sight("success", job_id="job-1")
UNCERTAIN = Sight("failed", "SubmitUncertain", HOW_TO_GO_ON)


def facts(*sights: Sight, kind: Kind = KILLED, vendor: str = "topview", bought: Any = ("job-1",), **more: Any) -> Facts:
    at_end = more.pop("bought_at_end", (len(bought),) * len(sights))
    return Facts(kind=kind, vendor=vendor, sights=sights, bought=tuple(bought), bought_at_end=at_end, **more)


def found(judged: Facts) -> list[Fault]:
    return [fault for fault, _ in judge(judged)]


@pytest.mark.parametrize(
    "well",
    [
        facts(DONE),
        facts(UNCERTAIN, DONE),
        facts(UNCERTAIN, DONE, bought_at_end=(0, 1)),
        facts(Sight("success", job_id="job-2"), bought=("job-1", "job-2"), kind=Kind(name="resubmits", bought=2)),
        facts(
            Sight("failed", "AuthenticationFailed", "job job-1"), DONE, kind=Kind(name="", error="AuthenticationFailed")
        ),
    ],
)
def test_what_may_be_is_let_pass(well: Facts) -> None:
    assert judge(well) == []


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (facts(Sight("success", job_id="job-2"), bought=("job-1", "job-2")), Fault.BOUGHT_TWICE),
        (facts(Sight("failed", "KeyError", "'x'"), DONE), Fault.LOST),
        (facts(Sight("failed", "SubmitUncertain", "no way out"), DONE), Fault.LOST),
        (facts(Sight("success", job_id=None)), Fault.LOST),
        (facts(stuck="round-1 was last seen 'deferred'"), Fault.STUCK),
        (facts(stuck="round-1 was last seen 'deferred'", bought=("job-1", "job-2")), Fault.BOUGHT_TWICE),
        (facts(unexpected="KeyError: 'x'"), Fault.UNEXPECTED),
        (facts(UNCERTAIN, DONE, vendor="cdnetworks"), Fault.UNCERTAIN_FOR_NOTHING),
        (facts(UNCERTAIN, DONE, kind=Kind(name="poll")), Fault.UNCERTAIN_FOR_NOTHING),
        (facts(DONE, struck=False), Fault.NOT_AS_EXPECTED),
        (facts(DONE, measured=("21 requests in a minute",)), Fault.NOT_AS_EXPECTED),
        (facts(UNCERTAIN), Fault.NOT_AS_EXPECTED),
        (facts(DONE, kind=Kind(name="", error="AuthenticationFailed")), Fault.NOT_AS_EXPECTED),
        (facts(Sight("success", job_id="job-1"), bought=()), Fault.NOT_AS_EXPECTED),
    ],
)
def test_what_must_never_be_is_found(wrong: Facts, fault: Fault) -> None:
    assert fault in found(wrong)


def test_user_who_resubmits_pays_once_if_the_vendor_can_be_queried() -> None:
    resubmits = Kind(name="", conf={"on_uncertain_submit": "resubmit"}, bought=2)
    two = ("job-1", "job-2")
    again = Sight("success", job_id="job-2")
    assert Fault.BOUGHT_TWICE in found(facts(again, vendor="cdnetworks", bought=two, kind=resubmits))
    assert Fault.BOUGHT_TWICE not in found(facts(again, vendor="topview", bought=two, kind=resubmits))


def batch(*items: Facts, state: str = "success", **more: Any) -> Facts:
    sights = (Sight(state, None if state == "success" else "BatchFailed"),)
    named = {f"item-{number}": item for number, item in enumerate(items)}
    return Facts(**{"kind": KILLED, "vendor": "topview", "sights": sights, "items": named, **more})


def test_batch_is_well_if_each_item_is() -> None:
    # Each submit that was in flight at the kill is uncertain, and reported.
    well = batch(facts(DONE), facts(UNCERTAIN, DONE), facts(UNCERTAIN, DONE, bought_at_end=(0, 1)))
    assert judge(well) == []
    assert well.uncertain
    assert well.wanted == 3


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (batch(facts(DONE), facts(Sight("success", job_id="b"), bought=("a", "b"))), Fault.BOUGHT_TWICE),
        (batch(facts(DONE), facts(Sight("running"), bought=("a",))), Fault.LOST),
        (batch(facts(DONE), facts(Sight("failed", "SubmitUncertain", "no way out"), DONE)), Fault.LOST),
        (batch(facts(DONE), facts(UNCERTAIN, DONE, kind=Kind(name="calm"))), Fault.UNCERTAIN_FOR_NOTHING),
        (batch(facts(DONE), facts(UNCERTAIN)), Fault.NOT_AS_EXPECTED),
        (batch(facts(DONE), state="failed"), Fault.NOT_AS_EXPECTED),
        (batch(facts(DONE), facts(bought=("a",))), Fault.NOT_AS_EXPECTED),
        (batch(facts(DONE), struck=False), Fault.NOT_AS_EXPECTED),
        (batch(facts(DONE), measured=("5 items are uncertain",)), Fault.NOT_AS_EXPECTED),
        (batch(facts(DONE), kind=Kind(name="", error="BatchFailed")), Fault.NOT_AS_EXPECTED),
        (batch(facts(bought=("a", "b")), stuck="last seen 'deferred'"), Fault.BOUGHT_TWICE),
    ],
)
def test_what_is_wrong_with_one_item_is_wrong_with_its_batch(wrong: Facts, fault: Fault) -> None:
    assert fault in found(wrong)


def test_batch_that_is_stuck_is_judged_by_what_was_bought_alone() -> None:
    assert found(batch(facts(bought=("a",)), stuck="last seen 'deferred'")) == [Fault.STUCK]


def test_kinds_have_names_of_their_own_and_two_hundred_rounds_meet_each_at_every_vendor() -> None:
    names = [kind.name for kind in (*SINGLE, *chain(*BATCHES), *STORMS)]
    assert len(set(names)) == len(names)
    assert len(SINGLE) * len(VENDORS) >= 200
