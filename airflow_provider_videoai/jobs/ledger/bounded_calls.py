# SPDX-License-Identifier: Apache-2.0
"""Call what may block for longer than its caller can wait: a driver's own timeouts do not bound every case."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from threading import Thread
from typing import TypeVar

__all__ = ["BoundedCalls"]

_T = TypeVar("_T")


class BoundedCalls:
    """Calls in threads of their own, of which a few may be left behind.

    :param name: of the threads.
    :param most: how many calls that nobody waits for any more may go on.
    """

    def __init__(self, name: str, *, most: int) -> None:
        self._name = name
        self._most = most
        self._left: list[Thread] = []

    def call(self, work: Callable[[], _T], *, seconds: float, give_up: Callable[[], None]) -> _T:
        """Return what the work returns, or raise what it raises.

        :param work: what blocks.
        :param seconds: for how long it may.
        :param give_up: called when nobody waits for the work any more, to make it end soon.
        :raises TimeoutError: if it takes longer, or if so many others that did still go on.
        :raises RuntimeError: if no thread can be started.
        """
        # A process that was forked has none of them: there they count as ended.
        self._left = [thread for thread in self._left if thread.is_alive()]
        if len(self._left) >= self._most:
            raise TimeoutError(f"{self._most} calls have not ended")
        outcome, context = Future[_T](), copy_context()

        def run() -> None:
            try:
                outcome.set_result(context.run(work))
            except BaseException as failure:  # noqa: BLE001 - raised where the call is waited for
                outcome.set_exception(failure)

        # A daemon: a process that ends does not wait for it.
        thread = Thread(target=run, name=self._name, daemon=True)
        try:
            thread.start()
            return outcome.result(seconds)
        finally:
            # Also if a signal's handler raised, as Airflow's `execution_timeout` does.
            if not outcome.done():
                self._left.append(thread)
                give_up()
