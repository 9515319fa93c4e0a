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

__all__ = ["Busy", "ClientGone", "Outside", "Shared", "T", "Unavailable", "while_connected"]

T = TypeVar("T")


class Unavailable(Exception):
    """There is no answer to be had; ``status`` is the HTTP status that says why.

    ``retry_after`` is the number of seconds after which there may be one, ``None`` if time does not help.
    """

    def __init__(self, status: int, reason: str, retry_after: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after


class Busy(Unavailable):
    """Too many calls are in flight, or the call took too long."""

    def __init__(self, reason: str, retry_after: int = 5) -> None:
        super().__init__(503, f"{reason} Try again in {retry_after} seconds.", retry_after)


class ClientGone(Exception):
    """The client closed its connection: nobody wants the result any more."""


class Outside:
    """The limits of one kind of calls.

    :param at_once: how many may be in flight.
    :param per_account: how many of them for one account.
    :param seconds: deadline of each.
    :param threads: how many threads serve the calls that block.
    """

    def __init__(self, *, at_once: int = 8, per_account: int = 2, seconds: float = 10.0, threads: int = 4) -> None:
        self._at_once = at_once
        self._per_account = per_account
        self._seconds = seconds
        self._in_flight: Counter[Hashable] = Counter()
        self._threads = ThreadPoolExecutor(threads, "videoai-outside")

    @asynccontextmanager
    async def call(self, account: Hashable) -> AsyncIterator[None]:
        """Hold a place for a call; raise :class:`Busy` if there is none, or if the call takes longer than allowed."""
        if self._in_flight.total() >= self._at_once or self._in_flight[account] >= self._per_account:
            raise Busy("Too many requests leave Airflow just now.")
        self._in_flight[account] += 1
        deadline = asyncio.timeout(self._seconds)
        try:
            async with deadline:
                yield
        except TimeoutError:
            if not deadline.expired():
                raise
            raise Busy(f"No answer within {self._seconds:g} seconds.") from None
        finally:
            self._in_flight[account] -= 1
            self._in_flight += Counter()  # forgets accounts without a call

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run what blocks in a thread of these calls' own; one that hangs keeps its thread, and no other's."""
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: context.run(work))


class Shared:
    """One call for all who want the same at the same time. It is cancelled when the last of them has gone."""

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}
        self._waiting: Counter[Hashable] = Counter()

    async def call(self, key: Hashable, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Join the call in flight under this key, or make it."""
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(make())
        self._waiting[key] += 1
        try:
            return cast(T, await asyncio.shield(task))
        finally:
            self._leave(key, task)

    def _leave(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        self._waiting[key] -= 1
        if not self._waiting[key]:
            del self._waiting[key], self._tasks[key]
            task.cancel()


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return what ``work`` returns; cancel it and raise :class:`ClientGone` when the client closes its connection."""
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
        await asyncio.wait({working, gone})


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
