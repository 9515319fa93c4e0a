# SPDX-License-Identifier: Apache-2.0
"""What a poller costs the ledger: few calls however many jobs it polls, and none in the thread of the event loop."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from typing_extensions import override

from airflow_provider_videoai.jobs.http import transport
from airflow_provider_videoai.jobs.http.attempt import Deadline
from airflow_provider_videoai.jobs.http.departure import Departure
from airflow_provider_videoai.jobs.http.rate_limit import RateLimit
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.in_flight.leases import leases_for
from airflow_provider_videoai.jobs.ledger import database
from airflow_provider_videoai.jobs.ledger.lease import LeaseRequest
from airflow_provider_videoai.jobs.ledger.ledger import Ledger
from airflow_provider_videoai.jobs.ledger.reserved import Reserved
from airflow_provider_videoai.jobs.ledger.window import Place, grant
from airflow_provider_videoai.jobs.polling import throttle
from airflow_provider_videoai.jobs.polling.account_session import AccountSession
from airflow_provider_videoai.jobs.polling.poller import Poller
from airflow_provider_videoai.jobs.protocol.call import Answer, Call, json_body
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from tests.jobs.polling.lab import NOW
from tests.jobs.polling.watches import new_watch, quick, rows, skipping_poller

JOBS = 10_000
MINUTES = 10


class Counted:
    """The real rule for places, by the loop's clock; counts its calls."""

    def __init__(self) -> None:
        self.taken: list[Place] = []
        self.calls: list[float] = []

    def reserve(
        self, account: str, api: str, *, holder: str, wanted: int, per_minute: float | None, backoff: float = 0.0
    ) -> Reserved:
        del account, api, backoff
        now = asyncio.get_running_loop().time()
        self.calls.append(now)
        given: list[Place] = []
        if per_minute is not None:
            given, self.taken = grant(self.taken, holder=holder, wanted=wanted, per_minute=per_minute, now=now)
        return Reserved(tuple((each.start - now, each.end - now) for each in given), 0.0)


class Answered(Transport):
    """Keeps the account's limit as ever; each job runs on."""

    def __init__(self, vendor: Vendor, limit: RateLimit) -> None:
        super().__init__(vendor, rate_limit=limit)
        self.polls: list[float] = []

    @override
    async def _refill(self, call_name: str) -> None:
        # As ever, but not in a thread, which would not have this loop's clock.
        async with self._refilling:
            if self.rate_limit.empty(call_name, asyncio.get_running_loop().time()):
                await asyncio.sleep(self.rate_limit.refill(call_name))

    @override
    async def _aonce(self, call: Call, auth: httpx.Auth, deadline: Deadline) -> Answer:
        for delay in self._delays(call, Departure()):
            await (self._refill(call.name) if delay is None else asyncio.sleep(delay))
        self.polls.append(asyncio.get_running_loop().time())
        rows = [{"id": job_id, "state": "running"} for job_id in json.loads(call.body)["ids"]]
        return Answer(200, {}, json_body({"code": 0, "jobs": rows}))


@pytest.mark.parametrize("limit", [600, 60, 6, None])
@pytest.mark.parametrize("key", ["lab", "batch_lab"])
def test_ten_thousand_jobs_cost_two_calls_of_the_ledger_a_minute(
    key: str, limit: float | None, skip_time: Any, open_lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Counted()

    async def run() -> list[float]:
        clock = asyncio.get_running_loop().time
        for module in (throttle, transport):
            monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock, time=clock, sleep=None))
        shared: Any = ledger
        made = RateLimit(limit, ledger=shared, account="account", clock=clock)
        sent = Answered(open_lab(key, requests_per_minute=limit, poll_floor=10.0), made)
        poller = skipping_poller(sent, jitter=True)
        # Of all ages, as in a triggerer that has been at it for a day.
        watches = [new_watch(f"j{number}", age=number * 6.0) for number in range(JOBS)]
        waits = [poller.watch([watch], lambda _: None) for watch in watches]
        await asyncio.sleep(MINUTES * 60)
        for wait in waits:
            wait.cancel()
        await poller.close()
        return sent.polls

    polls = skip_time(run())
    assert polls
    settled = [at for at in ledger.calls if at > NOW + 300]
    assert len(settled) <= 2 * (MINUTES - 5) + 1
    if limit is not None:
        assert all(later - first >= 60 for first, later in zip(polls, polls[int(limit) :], strict=False))


# -- off the event loop ----------------------------------------------------------------------------------------


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each transaction was begun in the thread of an event loop."""
    seen, transaction = list[bool](), database.Database.transaction

    def noted(self: database.Database, work: Any) -> Any:
        seen.append(asyncio._get_running_loop() is not None)
        return transaction(self, work)

    monkeypatch.setattr(database.Database, "transaction", noted)
    return seen


async def test_no_call_of_the_ledger_is_made_in_the_thread_of_the_event_loop(
    threads: list[bool], open_lab: Any, server: Any, tmp_path: Path
) -> None:
    """Of a poller, its backoff, its leases' renewal and end, and the queue for leases."""
    server.behave = lambda wire: (wire.read(), wire.answer(json_body(rows("abc"))))
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    vendor = open_lab(host=server.url, max_jobs_in_flight=5)
    limit = RateLimit(600, ledger=ledger, account="account")
    sending = Transport(vendor, rate_limit=limit, ledger=ledger)
    session = AccountSession(sending)
    leases = leases_for(sending, "develop")
    assert leases is not None
    async with asyncio.timeout(30):
        await session.lease_queue.wait(leases, LeaseRequest("task"))
        async with session as poller:
            assert isinstance(poller, Poller)
            await poller.watch([quick("a"), quick("b")], lambda _: None)
            limit.back_off(0.05, asyncio.get_running_loop().time())
            await poller.watch([quick("c")], lambda _: None)
    assert len(threads) >= 4
    assert not any(threads)
