# SPDX-License-Identifier: Apache-2.0
"""A thousand jobs at a vendor that allows thirty calls in five minutes, for half a day of simulated time."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from itertools import pairwise
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
from airflow_provider_videoai.jobs.polling import throttle
from airflow_provider_videoai.jobs.polling.watch import Outcome
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.call import Answer, Call, json_body
from airflow_provider_videoai.vendors.cdnetworks import CDNetworks
from tests.jobs.polling.watches import new_watch, poll, skipping_poller

JOBS, CALLS, WINDOW = 1000, 30, 300.0
ROUND = JOBS * WINDOW / CALLS
POLLS = 3


class Answered(Transport):
    """Keeps the account's limit as ever; a job ends with its third poll."""

    def __init__(self, vendor: CDNetworks) -> None:
        super().__init__(vendor, rate_limit=RateLimit(vendor.rate_limit, per_call=vendor.limit_per_call))
        self.polls: list[tuple[float, str]] = []
        self._counts = Counter[str]()

    @override
    async def _aonce(self, call: Call, auth: httpx.Auth, deadline: Deadline) -> Answer:
        for delay in self._delays(call, Departure()):
            assert delay is not None
            await asyncio.sleep(delay)
        trans_no = json.loads(call.body)["transNo"]
        self.polls.append((asyncio.get_running_loop().time(), trans_no))
        self._counts[trans_no] += 1
        await asyncio.sleep(0.2)
        over = self._counts[trans_no] == POLLS
        task = {"taskId": "t", "status": 2 if over else 1, "videoInfo": {"videoId": "v"} if over else {}}
        return Answer(200, {}, json_body({"code": 200, "data": task}))


def test_no_five_minutes_hold_more_than_thirty_calls_and_no_job_starves(
    skip_time: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> list[tuple[float, str]]:
        clock = asyncio.get_running_loop().time
        for module in (throttle, transport):
            monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock, time=clock, sleep=None))
        account = Account(conn_id="vod", host="https://vod.test", login="key", password="secret")
        vendor = Answered(CDNetworks(account, clock))
        await poll(skipping_poller(vendor, jitter=True), watches)
        return vendor.polls

    watches = [new_watch(f"clip-{number}", operation="trim") for number in range(JOBS)]
    polls = skip_time(run())
    times, names = [at for at, _ in polls], [name for _, name in polls]

    assert {watch.outcome for watch in watches} == {Outcome.ENDED}
    assert all(late - early >= WINDOW for early, late in zip(times, times[CALLS:], strict=False))
    assert times[-1] - times[0] < 1.1 * POLLS * ROUND, "the limit is used to the full"
    # Six calls leave in one instant, in any order.
    assert len(set(names[: JOBS + 6])) == JOBS, "no job is polled twice before all were polled once"
    for watch in watches:
        waits = [later - earlier for earlier, later in pairwise(at for at, name in polls if name == watch.job_id)]
        assert max(waits) < 1.2 * ROUND
