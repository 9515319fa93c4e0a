# SPDX-License-Identifier: Apache-2.0
"""Run coroutines for code that blocks, also in a thread whose event loop runs already, as in a notebook."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any, Self, TypeVar

__all__ = ["Runner", "T", "run"]

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run one coroutine to its end in an event loop of its own.

    :param coroutine: what to run.
    :returns: what it returns.
    """
    with Runner() as runner:
        return runner.run(coroutine)


class Runner:
    """Runs coroutines one after the other in one event loop: ``asyncio.Runner`` that works beside a running loop.

    If a loop runs in the calling thread, the coroutines run in a thread of their own while the caller waits.
    """

    def __init__(self) -> None:
        # A factory of its own, so that asyncio.Runner does not replace the thread's current event loop.
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._thread = ThreadPoolExecutor(1) if _loop_runs() else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end; it is cancelled if the caller is interrupted.

        :param coroutine: what to run.
        :returns: what it returns.
        """
        if self._thread is None:
            return self._runner.run(coroutine)
        # In the caller's context, as asyncio.Runner would run it without a thread.
        future = self._thread.submit(self._runner.run, coroutine, context=copy_context())
        try:
            return future.result()
        except BaseException:  # KeyboardInterrupt, or Airflow's timeout: raised in this thread only
            self._cancel(future)
            raise

    def close(self) -> None:
        """Close the loop, and end its thread."""
        if self._thread is None:
            self._runner.close()
            return
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()

    def _cancel(self, future: Future[Any]) -> None:
        # And wait: no request may go on behind the caller's back after it was interrupted.
        if not future.done():
            loop = self._runner.get_loop()
            loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
            wait([future])


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
