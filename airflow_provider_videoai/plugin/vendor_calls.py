# SPDX-License-Identifier: Apache-2.0
"""Calls that leave the API server: few at once, each with a deadline, and none outlives whoever wants its result.

The API server serves all of Airflow. A vendor, a media server, an object storage or a secrets backend that hangs may
cost a page its content, but never a database session, nor a thread of the pool that all routes share.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

from fastapi import Request

__all__ = ["Busy", "ClientGone", "OutsideCalls", "SharedCalls", "T", "Unavailable", "while_connected"]

T = TypeVar("T")


class Unavailable(Exception):
    """What a route needs cannot be had now.

    :param status: the HTTP status of the response.
    :param reason: the text for the user.
    :param retry_after: seconds after which a retry may succeed; ``None`` if time does not help.
    """

    def __init__(self, status: int, reason: str, retry_after: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after


class Busy(Unavailable):
    """Too many calls are in flight, or the call took too long (503).

    :param reason: a sentence for the user, to which the time of the retry is added.
    :param retry_after: seconds.
    """

    def __init__(self, reason: str, retry_after: int = 5) -> None:
        super().__init__(503, f"{reason} Try again in {retry_after} seconds.", retry_after)


class ClientGone(Exception):
    """The client closed its connection: nobody wants the result any more."""


class OutsideCalls:
    """The limits of one kind of calls.

    :param at_once: how many may be in flight.
    :param per_account: how many of them for one account.
    :param seconds: how long each may take.
    :param threads: how many threads serve the calls that block.
    """

    def __init__(self, *, at_once: int = 8, per_account: int = 2, seconds: float = 10.0, threads: int = 4) -> None:
        self._at_once = at_once
        self._per_account = per_account
        self._seconds = seconds
        self._in_flight: Counter[Hashable] = Counter()
        self._threads = ThreadPoolExecutor(threads, "videoai-outside")

    @property
    def seconds(self) -> float:
        """How long each may take."""
        return self._seconds

    @asynccontextmanager
    async def call(self, account: Hashable) -> AsyncIterator[None]:
        """Count a call as in flight, and limit its time.

        :param account: whom the call goes to; its limit is :class:`OutsideCalls`'s ``per_account``.
        :raises Busy: if too many calls are in flight, or this one takes longer than allowed.
        """
        if self._in_flight.total() >= self._at_once or self._in_flight[account] >= self._per_account:
            # Refused at once: requests that queue behind a vendor that hangs would pile up in the API server.
            raise Busy("Too many requests leave Airflow just now.")
        self._in_flight[account] += 1
        deadline = asyncio.timeout(self._seconds)
        try:
            async with deadline:
                yield
        except TimeoutError:
            if not deadline.expired():
                raise  # a timeout of the call's own
            raise Busy(f"No answer within {self._seconds:g} seconds.") from None
        finally:
            self._in_flight[account] -= 1
            self._in_flight += Counter()  # forgets accounts without a call

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run what blocks in a thread of these calls' own; one that hangs keeps its thread, and no other's.

        :param work: runs in a copy of the caller's context.
        """
        # Not asyncio.to_thread: its pool is the whole API server's, and calls that hang would fill it.
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: context.run(work))


class SharedCalls:
    """One call for all who want the same at the same time. It is cancelled when the last of them has gone."""

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}
        self._waiting: Counter[Hashable] = Counter()

    async def call(self, key: Hashable, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Join the call in flight with this key, or start it.

        :param key: what is wanted.
        :param make: makes the call's coroutine; not called if one is in flight.
        :returns: what the call returns; it raises what the call raises.
        """
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(make())
        self._waiting[key] += 1
        try:
            # Shielded: one client that leaves must not cancel the call of the others.
            return cast(T, await asyncio.shield(task))
        finally:
            self._leave(key, task)

    def _leave(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        self._waiting[key] -= 1
        if not self._waiting[key]:
            del self._waiting[key], self._tasks[key]
            task.cancel()


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return what ``work`` returns, but cancel it when the client closes its connection.

    :param request: the client's; its body must have been read.
    :param work: what the client waits for.
    :raises ClientGone: if the client closed its connection first.
    """
    working = asyncio.create_task(work)
    gone = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        return working.result()
    finally:
        for task in (working, gone):
            task.cancel()
        # Until both have ended: what `work` holds (a place, a shared call) is free again when the request is over.
        await asyncio.wait({working, gone})


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
