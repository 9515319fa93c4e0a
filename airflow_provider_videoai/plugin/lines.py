# SPDX-License-Identifier: Apache-2.0
"""Read the lines of the list, and remember them: an open page polls, and of most tasks nothing new is known.

What a task stored is read again if Airflow knows something new of the task, or some time has passed. So a poll of
thousands of jobs is three queries, and an XCom backend that keeps values elsewhere is not read for each job each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool

from airflow_provider_videoai.plugin import records, xcoms
from airflow_provider_videoai.plugin.job_list import Line
from airflow_provider_videoai.plugin.records import Entry, Found, Identity
from airflow_provider_videoai.plugin.task import VideoTask
from airflow_provider_videoai.plugin.vendor_calls import OutsideCalls

__all__ = ["KEEP", "Lines"]

KEEP = 300.0
"""Seconds after which a line is made again in any case: Airflow's REST API changes XComs and leaves their times."""

_BATCH = 100
_MOST = 20_000
_LONGEST = 10_000
"""Characters of a line's text: one of a task with thousands of jobs is not remembered."""


class _Kept(NamedTuple):
    entry: Entry
    line: Line
    read_at: float


class Lines:
    """The lines of this process, whoever wanted them: who may see which is decided before they are looked up.

    :param clock: returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[Identity, _Kept] = {}

    async def of(self, entries: Sequence[Entry], stores: OutsideCalls) -> list[Line]:
        """Return the lines of tasks, in the same order; a task that was cleared meanwhile has none.

        :param entries: what Airflow knows of the tasks now.
        :param stores: the limits of reads through an XCom backend.
        :raises Busy: if such reads are too many or take too long. What was read by then is remembered.
        """
        lines = {each.identity: line for each in entries if (line := self._known(each)) is not None}
        unknown = [each for each in entries if each.identity not in lines]
        for start in range(0, len(unknown), _BATCH):
            found = await run_in_threadpool(records.stored, unknown[start : start + _BATCH])
            lines |= await self._made([each for each in found if None not in each.texts.values()], stores)
            for each in found:
                if None in each.texts.values():  # alone: it may be as long as what a task stores may be
                    whole = await run_in_threadpool(records.stored, [each.entry], records.LONGEST)
                    lines |= await self._made(whole, stores)
        return [lines[each.identity] for each in entries if each.identity in lines]

    async def _made(self, found: Sequence[Found], stores: OutsideCalls) -> dict[Identity, Line]:
        tasks = await xcoms.read(found, stores) if found else []
        made = await run_in_threadpool(_made, tasks)
        for each, line in zip(found, made, strict=True):
            self._keep(each.entry, line)
        return {each.entry.identity: line for each, line in zip(found, made, strict=True)}

    def _known(self, entry: Entry) -> Line | None:
        kept = self._kept.get(entry.identity)
        fresh = kept is not None and kept.entry == entry and self._clock() - kept.read_at < KEEP
        return kept.line if kept is not None and fresh else None

    def _keep(self, entry: Entry, line: Line) -> None:
        self._kept.pop(entry.identity, None)
        if len(line.text) <= _LONGEST:
            self._kept[entry.identity] = _Kept(entry, line, self._clock())
        # Bounded: the API server lives long. The first are those that were read longest ago.
        while len(self._kept) > _MOST:
            del self._kept[next(iter(self._kept))]


def _made(tasks: Sequence[VideoTask]) -> list[Line]:
    return [Line.of(task) for task in tasks]
