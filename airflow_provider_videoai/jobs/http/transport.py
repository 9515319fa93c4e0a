# SPDX-License-Identifier: Apache-2.0
"""Send a vendor's calls over HTTP: one blocking side for workers, one async side for the triggerer.

A transport that was given a pool (see :mod:`~airflow_provider_videoai.jobs.http.connections`) polls over it. A call
that buys always has a connection of its own: a kept-alive connection may die while the request is in flight, and then
nobody could say whether the job was bought.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

import httpx
from tenacity import AsyncRetrying, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from airflow_provider_videoai.jobs.errors import SubmitUncertain, VendorUnavailable, VideoAIError
from airflow_provider_videoai.jobs.http.attempt import Deadline, LostError, NotSentError
from airflow_provider_videoai.jobs.http.connections import Pool
from airflow_provider_videoai.jobs.http.departure import PLACES, Departure, LateError
from airflow_provider_videoai.jobs.http.environment import proxy_for
from airflow_provider_videoai.jobs.http.rate_limit import RateLimit
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.call import Answer, Call, Flow
from airflow_provider_videoai.jobs.protocol.vendor import Vendor

if TYPE_CHECKING:  # it loads SQLAlchemy, which no DAG file needs
    from airflow_provider_videoai.jobs.ledger.ledger import Ledger

__all__ = ["T", "Transport"]

T = TypeVar("T")


class Transport:
    """Drives a vendor's flows.

    :param rate_limit: the account's, unless given.
    :param sleep: waits for the rate limit on a worker.
    :param pool: connections for the async calls that buy nothing; ``None`` opens one for each.
    :param ledger: what the account shares with other processes; sending needs it only through the rate limit.
    """

    def __init__(
        self,
        vendor: Vendor,
        *,
        rate_limit: RateLimit | None = None,
        sleep: Callable[[float], None] = time.sleep,
        pool: Pool | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.vendor = vendor
        self.ledger = ledger
        self.rate_limit = rate_limit or RateLimit.of(vendor)
        self._sleep = sleep
        self._pool = pool
        # Of the event loop in which it is awaited first: a transport serves one.
        self._refilling = asyncio.Lock()

    def over(self, pool: Pool) -> Transport:
        """Return a transport of the same account and rate limit that polls over ``pool``."""
        return Transport(self.vendor, rate_limit=self.rate_limit, sleep=self._sleep, pool=pool, ledger=self.ledger)

    # -- blocking: workers ---------------------------------------------------------------------------------

    def run(self, flow: Flow[T], before_purchase: Callable[[], object] | None = None) -> T:
        """Play a flow to its end and return what it read; raise its typed error.

        :param flow: the vendor's.
        :param before_purchase: called each time before a byte of a call that buys leaves, when it has its place in the
            rate limit and its connection stands. What it raises is raised here; then nothing was sent.
        """
        try:
            call = next(flow)
            while True:
                try:
                    answer = self._send(call, before_purchase if call.buys else None)
                except VideoAIError as failure:
                    call = flow.throw(failure)
                else:
                    call = flow.send(answer)
        except StopIteration as end:
            return cast(T, end.value)

    def _send(self, call: Call, before_send: Callable[[], object] | None = None) -> Answer:
        auth = self.vendor.auth
        deadline = Deadline(self.vendor.account.options.timeout)
        gate = None if before_send is None else _in_time(before_send, deadline)
        with _typed_errors(self.vendor, call):
            try:
                return self._once(call, auth, deadline, gate)
            except NotSentError:
                if deadline.passed:
                    raise
                return Retrying(**_retry_connect(deadline))(self._once, call, auth, deadline, gate)

    def _once(self, call: Call, auth: httpx.Auth, deadline: Deadline, gate: Callable[[], object] | None) -> Answer:
        for _ in range(PLACES - 1):
            departure = Departure()
            try:
                return self._with_place(call, auth, deadline, gate, departure)
            except LateError:
                deadline.extend(departure.waited)
        return self._with_place(call, auth, deadline, gate, Departure(however_late=True))

    def _with_place(
        self,
        call: Call,
        auth: httpx.Auth,
        deadline: Deadline,
        gate: Callable[[], object] | None,
        departure: Departure,
    ) -> Answer:
        # Loaded with the first request: DAG files are parsed often, and need none of it.
        from airflow_provider_videoai.jobs.http.httpcore_session import send

        for delay in self._delays(call, departure):
            began = time.monotonic()
            if pause := self.rate_limit.refill(call.name) if delay is None else delay:
                self._sleep(pause)
            deadline.extend(time.monotonic() - began)
        return send(self.vendor.account, call, auth, deadline, _on_time(gate, departure))

    def _delays(self, call: Call, departure: Departure) -> Iterator[float | None]:
        """Yield the seconds to sleep before the call may leave, ``None`` to refill the rate limit.

        If the vendor throttled meanwhile, the place is not good any more, and another is reserved.
        """
        backoffs = None
        while backoffs != self.rate_limit.backoffs:
            now = time.monotonic()
            delay = self.rate_limit.reserve(call.name, now)
            if delay is None:
                yield None
                continue
            departure.has_place(now + delay if self.rate_limit.limited else None)
            backoffs = self.rate_limit.backoffs
            if delay:
                yield delay

    # -- async: the triggerer ------------------------------------------------------------------------------

    async def arun(self, flow: Flow[T]) -> T:
        """Play a flow to its end in the running loop; see :meth:`run`."""
        try:
            call = next(flow)
            while True:
                try:
                    answer = await self._asend(call)
                except VideoAIError as failure:
                    call = flow.throw(failure)
                else:
                    call = flow.send(answer)
        except StopIteration as end:
            return cast(T, end.value)

    async def _asend(self, call: Call) -> Answer:
        auth = self.vendor.auth
        deadline = Deadline(self.vendor.account.options.timeout)
        with _typed_errors(self.vendor, call):
            try:
                return await self._aonce(call, auth, deadline)
            except NotSentError:
                if deadline.passed:
                    raise
                return await AsyncRetrying(**_retry_connect(deadline))(self._aonce, call, auth, deadline)

    async def _aonce(self, call: Call, auth: httpx.Auth, deadline: Deadline) -> Answer:
        for _ in range(PLACES - 1):
            departure = Departure()
            try:
                return await self._awith_place(call, auth, deadline, departure)
            except LateError:
                deadline.extend(departure.waited)
        return await self._awith_place(call, auth, deadline, Departure(however_late=True))

    async def _awith_place(self, call: Call, auth: httpx.Auth, deadline: Deadline, departure: Departure) -> Answer:
        for delay in self._delays(call, departure):
            began = time.monotonic()
            await (self._refill(call.name) if delay is None else asyncio.sleep(delay))
            deadline.extend(time.monotonic() - began)
        if self._pool is not None and not call.buys:
            return await self._pool.send(call, auth, deadline, departure)
        from airflow_provider_videoai.jobs.http.httpcore_session import asend

        return await asend(self.vendor.account, call, auth, deadline, departure)

    async def _refill(self, call_name: str) -> None:
        """Refill the rate limit beside the event loop, one at a time: those who wait find what the first was given."""
        async with self._refilling:
            if self.rate_limit.empty(call_name, time.monotonic()):
                await asyncio.sleep(await asyncio.to_thread(self.rate_limit.refill, call_name))


_STALE = 5.0
"""Seconds after which a connection that stood idle, and a signature, are better renewed."""


def _on_time(gate: Callable[[], object] | None, departure: Departure) -> Callable[[], object]:
    """Return ``gate`` such that it is not passed by a request that is late."""
    if gate is None:
        return departure.check

    def passed() -> None:
        # Before as well: a record says that something may have been sent, and the next place may be far.
        departure.check()
        gate()
        departure.check()

    return passed


def _in_time(before_send: Callable[[], object], deadline: Deadline) -> Callable[[], object]:
    """Return ``before_send`` such that its time is not the vendor's, and that nothing is sent if it took long."""

    def gate() -> None:
        began = time.monotonic()
        before_send()
        took = time.monotonic() - began
        deadline.extend(took)
        if took > _STALE:
            raise NotSentError(f"Airflow took {took:.0f} seconds to record the submit")

    return gate


# How a call that was not sent is retried. The first attempt goes without tenacity, which costs a tenth of a poll.
_RETRY_CONNECT: dict[str, Any] = {
    "stop": stop_after_attempt(2),
    "wait": wait_random_exponential(multiplier=0.2, max=2),
    "reraise": True,
}


def _retry_connect(deadline: Deadline) -> dict[str, Any]:
    """Return tenacity's arguments: all attempts share one deadline."""
    may_help = retry_if_exception(lambda failure: isinstance(failure, NotSentError) and not deadline.passed)
    return _RETRY_CONNECT | {"retry": may_help}


@contextmanager
def _typed_errors(vendor: Vendor, call: Call) -> Iterator[None]:
    """Turn what the network did into a typed error whose text never holds the URL: signatures travel in it."""
    try:
        yield
    except NotSentError as failure:
        text = f"{vendor.title} {call.name}: no connection to {_way_to(vendor.account)} ({failure})"
        raise VendorUnavailable(text + (": nothing was sent, nothing was bought" if call.buys else "")) from None
    except LostError as failure:
        way = _way_to(vendor.account)
        if call.buys:
            raise SubmitUncertain(
                f"{vendor.title} {call.name} was sent to {way} and its answer was lost ({failure}): "
                "the job may have been bought"
            ) from None
        raise VendorUnavailable(f"{vendor.title} {call.name}: no answer from {way} ({failure})") from None


def _way_to(account: Account) -> str:
    """Name the host, and the proxy that the environment puts before it."""
    proxy = proxy_for(account.host)
    return _host_of(account) + (f" through {proxy}" if proxy else "")


def _host_of(account: Account) -> str:
    try:
        return repr(httpx.URL(account.host).host)
    except httpx.InvalidURL:
        return f"the host of connection {account.conn_id!r}"
