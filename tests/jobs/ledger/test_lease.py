# SPDX-License-Identifier: Apache-2.0
"""Who may submit now, as a pure function of the leases that are there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.ledger.lease import Lease, LeaseRequest, lease_of_job, lease_of_task, to_grant

NOW = 1_800_000_000.0


def held(name: str, expires: float = 60) -> Lease:
    return Lease(name, granted=True, priority=1, since=NOW - 100, expires=NOW + expires)


def waits(name: str, since: float, priority: int = 1, expires: float = 60) -> Lease:
    return Lease(name, granted=False, priority=priority, since=NOW + since, expires=NOW + expires)


def grant(leases: list[Lease], *wanted: LeaseRequest, limit: int = 2) -> set[str]:
    return to_grant(leases, wanted, limit=limit, now=NOW)


def test_no_more_are_granted_than_the_limit_allows() -> None:
    wanted = [LeaseRequest(name) for name in "abc"]
    assert len(grant([], *wanted)) == 2
    assert grant([held("x"), held("y")], *wanted) == set()
    assert len(grant([held("x")], *wanted)) == 1


def test_whoever_has_a_lease_keeps_it_also_above_the_limit() -> None:
    assert grant([held("a"), held("b"), held("c")], LeaseRequest("a"), limit=1) == {"a"}


@pytest.mark.parametrize("expires", [0, -1, 7200])
def test_a_lease_that_expired_or_that_no_clock_of_today_wrote_does_not_count(expires: float) -> None:
    assert grant([held("x", expires), held("y", expires)], LeaseRequest("a")) == {"a"}


def test_the_higher_priority_is_first_then_the_longer_wait() -> None:
    queue = [waits("late", -1), waits("early", -9), waits("urgent", -1, priority=5)]
    wanted = [LeaseRequest("late"), LeaseRequest("early"), LeaseRequest("urgent", 5)]
    assert grant(queue, *wanted, limit=1) == {"urgent"}
    assert grant(queue, *wanted, limit=2) == {"urgent", "early"}


def test_whose_turn_it_is_keeps_it_without_a_request_until_the_claim_expires() -> None:
    assert grant([waits("early", -9)], LeaseRequest("new"), limit=1) == set()
    assert grant([waits("early", -9, expires=-1)], LeaseRequest("new"), limit=1) == {"new"}


def test_a_priority_that_changed_counts_at_once() -> None:
    queue = [waits("early", -9), waits("late", -1)]
    assert grant(queue, LeaseRequest("late", 7), limit=1) == {"late"}


NAMES = st.sampled_from("abcdefgh")
TIMES = st.floats(-5000, 5000)
LEASES = st.builds(
    lambda name, granted, priority, since, expires: Lease(name, granted, priority, NOW + since, NOW + expires),
    *(NAMES, st.booleans(), st.integers(-3, 3), TIMES, TIMES),
)


@given(
    st.lists(LEASES, unique_by=lambda lease: lease.name),
    st.lists(st.builds(LeaseRequest, NAMES, st.integers(-3, 3)), unique_by=lambda request: request.name),
    st.integers(1, 6),
)
def test_the_limit_holds_and_nobody_overtakes(leases: list[Lease], wanted: list[LeaseRequest], limit: int) -> None:
    granted = to_grant(leases, wanted, limit=limit, now=NOW)
    counting = {lease.name: lease for lease in leases if NOW < lease.expires < NOW + 3600}
    had = {name for name, lease in counting.items() if lease.granted}
    new = granted - had
    assert granted <= {request.name for request in wanted}
    assert not new or len(had) + len(new) <= limit
    place = {name: (-lease.priority, lease.since) for name, lease in counting.items() if name not in had}
    place |= {
        each.name: (-each.priority, counting[each.name].since if each.name in counting else NOW)
        for each in wanted
        if each.name not in had
    }
    assert all(
        place[first] <= place[last] for first in new for last in {each.name for each in wanted} & set(place) - new
    )


def test_names_say_nothing_and_differ() -> None:
    names = {lease_of_task("dag", "run", "task", -1), lease_of_task("dag", "run", "task", 0), lease_of_job("dag\nrun")}
    assert len(names) == 3
    assert all(len(name) == 64 and set(name) <= set("0123456789abcdef") for name in names)
    assert len(lease_of_job("\ud800" * 5000)) == 64
