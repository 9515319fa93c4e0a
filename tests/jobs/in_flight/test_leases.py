# SPDX-License-Identifier: Apache-2.0
"""A task takes a lease before it buys, and the lease is the job's from then on; a ledger that fails stops nobody."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import QuotaExceeded, SubmitRejected, SubmitUncertain
from airflow_provider_videoai.jobs.in_flight.leases import InFlightLimitReached, JobLease, leases_for
from airflow_provider_videoai.jobs.ledger.lease import LeaseRequest
from airflow_provider_videoai.jobs.submission.record import STORE_KEY
from airflow_provider_videoai.jobs.submission.submitter import Submitter
from tests.jobs.in_flight.conftest import Book
from tests.jobs.polling.lab import Order, ScriptedTransport
from tests.jobs.polling.watches import all_done
from tests.jobs.submission.desk import Log, Store

ORDER = Order(film="sunset")


def lease_of(transport: ScriptedTransport, task: str) -> JobLease:
    leases = leases_for(transport, "develop")
    assert leases is not None
    return JobLease(leases, LeaseRequest(task))


def submit(transport: ScriptedTransport, task: str, store: Store | None = None) -> str:
    store = store or Store([])
    submitter = Submitter(transport=transport, store=store, log=Log(), lease=lease_of(transport, task))
    return submitter.obtain(ORDER).job_id


NUMBERS = itertools.count(1)


def accepts(_: Any) -> dict[str, Any]:
    return {"code": 0, "id": f"job-{next(NUMBERS)}"}


def test_a_task_beyond_the_limit_sends_nothing_and_keeps_no_record(
    limited: Callable[..., ScriptedTransport],
) -> None:
    transport, store = limited(1, accepts), Store([])
    submit(transport, "a")
    with pytest.raises(InFlightLimitReached, match=r"may have 1 job in flight.*Nothing was sent, nothing was bought"):
        submit(transport, "b", store)
    assert len(transport.calls) == 1
    assert store.get(STORE_KEY) is None


def test_an_attempt_more_of_the_same_task_takes_no_further_lease(limited: Callable[..., ScriptedTransport]) -> None:
    transport = limited(1)
    for _ in range(3):
        lease_of(transport, "a").take()
    with pytest.raises(InFlightLimitReached):
        lease_of(transport, "b").take()


@pytest.mark.parametrize("code", [1, 2, 3, 4])
def test_a_refused_submit_gives_its_lease_back(code: int, limited: Callable[..., ScriptedTransport]) -> None:
    transport = limited(1, lambda _: {"code": code})
    with pytest.raises(SubmitRejected):
        submit(transport, "a")
    transport.script = accepts
    submit(transport, "b")


def test_a_lost_answer_keeps_the_lease_since_the_job_may_be_running(
    limited: Callable[..., ScriptedTransport],
) -> None:
    def lost(_: Any) -> Any:
        raise SubmitUncertain("lost")

    transport = limited(1, lost)
    with pytest.raises(SubmitUncertain):
        submit(transport, "a")
    with pytest.raises(InFlightLimitReached):
        submit(transport, "b")


def test_without_a_limit_the_ledger_is_not_called(limited: Callable[..., ScriptedTransport], book: Book) -> None:
    assert leases_for(limited(None), "develop") is None
    assert book.calls == []


@pytest.mark.parametrize("ledger", ["away", "none"])
def test_a_ledger_that_fails_holds_no_submit_up(
    ledger: str, limited: Callable[..., ScriptedTransport], book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    transport = limited(1, accepts)
    book.away = True
    if ledger == "none":
        transport.ledger = None
    assert submit(transport, "a") != submit(transport, "b")
    assert ("Jobs in flight are not counted at present" in caplog.text) == (ledger == "away")


def test_a_ledger_that_fails_after_the_purchase_loses_no_job(
    limited: Callable[..., ScriptedTransport], book: Book
) -> None:
    def accepts_and_goes(call: Any) -> dict[str, Any]:
        book.away = True
        return accepts(call)

    store = Store([])
    job_id = submit(limited(1, accepts_and_goes), "a", store)
    assert store.get(STORE_KEY)["job_id"] == job_id


def test_the_error_is_of_the_public_tree_and_says_who_waits(limited: Callable[..., ScriptedTransport]) -> None:
    transport = limited(1)
    lease_of(transport, "a").take()
    with pytest.raises(QuotaExceeded) as full:
        lease_of(transport, "b").take()
    copied = pickle.loads(pickle.dumps(full.value))  # noqa: S301 - our own
    assert isinstance(copied, InFlightLimitReached)
    assert copied.request == LeaseRequest("b")
    assert copied.temporary


def test_a_job_that_the_next_attempt_finds_ended_has_no_lease_any_more(
    limited: Callable[..., ScriptedTransport],
) -> None:
    transport, store = limited(1, accepts), Store([])
    job_id = submit(transport, "a", store)
    transport.script = lambda call: all_done(call) if call.name == "look" else {"url": "http://lab.test/film.mp4"}
    assert submit(transport, "a", store) == job_id
    transport.script = accepts
    submit(transport, "b")
