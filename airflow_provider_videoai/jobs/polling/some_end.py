# SPDX-License-Identifier: Apache-2.0
"""Wait until enough of many jobs have ended, instead of all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from airflow_provider_videoai.jobs.polling.poller import Poller
from airflow_provider_videoai.jobs.polling.status_query import Observer
from airflow_provider_videoai.jobs.polling.watch import Watch

__all__ = ["wait_for_some"]


async def wait_for_some(
    poller: Poller, watches: Sequence[Watch], observer: Observer, *, left: int, until: float | None = None
) -> None:
    """Wait until few enough jobs are still waited for, or a time has come.

    :param poller: of the account.
    :param watches: the jobs; each holds how its wait ended, if it did.
    :param observer: is called after each poll that changed a job, or failed.
    :param left: how many jobs may still be waited for when this returns.
    :param until: epoch seconds; ``None`` for none.
    """
    waiting = sum(not watch.done for watch in watches)
    enough = asyncio.Event()

    def saw(watch: Watch) -> None:
        nonlocal waiting
        observer(watch)
        waiting -= watch.done
        if waiting <= left:
            enough.set()

    if waiting <= left:  # nothing but the time to wait for
        await asyncio.sleep(0.0 if until is None else max(0.0, until - time.time()))
        return
    all_ended: asyncio.Future[Any] = poller.watch(watches, saw)
    some_ended: asyncio.Future[Any] = asyncio.ensure_future(enough.wait())
    try:
        timeout = None if until is None else max(0.0, until - time.time())
        await asyncio.wait({all_ended, some_ended}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if all_ended.done():
            all_ended.result()  # raises what an observer raised
    finally:
        all_ended.cancel()
        some_ended.cancel()
