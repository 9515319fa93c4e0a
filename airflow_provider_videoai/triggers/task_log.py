# SPDX-License-Identifier: Apache-2.0
"""The task's log, as a trigger writes it: beside the event loop.

A line goes through a pipe to the triggerer's other process. That stops reading for seconds while it stores the results
of many jobs that end together, and a write into the full pipe blocks: the event loop, and all triggers with it.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

__all__ = ["TriggerLog", "log"]


class TriggerLog:
    """A :class:`~airflow_provider_videoai.jobs.log.Log` whose lines are written by one thread, in their order."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        # One thread, not the shared pool: lines keep their order, and a full pipe blocks nobody else's thread.
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="videoai-log")

    def info(self, event: str, /, *args: Any) -> None:
        """Write a line about what happens."""
        self._hand_over(logging.INFO, event, args)

    def warning(self, event: str, /, *args: Any, exc_info: BaseException | None = None) -> None:
        """Write a line that wants attention."""
        self._hand_over(logging.WARNING, event, args, exc_info)

    async def written(self) -> None:
        """Wait until the lines so far are written; Airflow closes a task's log once its trigger has ended."""
        await asyncio.wrap_future(self._writer.submit(lambda: None))

    def _hand_over(self, level: int, event: str, args: tuple[Any, ...], failure: BaseException | None = None) -> None:
        if not self._log.isEnabledFor(level):
            return
        # Made here, so that it has the time and the place of the call; from the context Airflow knows whose line it is.
        path, number, function, _ = self._log.findCaller(stacklevel=3)
        about = (type(failure), failure, failure.__traceback__) if failure else None
        record = self._log.makeRecord(self._log.name, level, path, number, event, args, about, function)
        self._writer.submit(copy_context().run, self._log.handle, record)


log = TriggerLog(logging.getLogger(__name__))
