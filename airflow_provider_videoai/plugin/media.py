# SPDX-License-Identifier: Apache-2.0
"""Where a job's media is *now*: result URLs expire, so the vendor is asked again, seldom, and at no cost.

A URL that Airflow was told of minutes ago is used as it is. An older one is asked for through the hook, the answer is
kept for some minutes, and an account is asked so seldom that an open page cannot use its rate limit up. Where the
vendor cannot be asked, the old URL is better than none. Memory and limits are this process's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

from airflow_provider_videoai.hooks.lookup import hook_for
from airflow_provider_videoai.jobs.card import JobCard
from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.model import JobResult, JobState
from airflow_provider_videoai.plugin.records import connection_type
from airflow_provider_videoai.plugin.view import VENDORS, Media

KEEP = 300.0
"""Seconds for which a URL is used without asking for it again."""

KEEP_REFUSED = 20.0
"""The same, where the media's server refused it: a browser that asks over and over is not passed on to the vendor."""

LEAST_GAP = 2.0
"""Seconds between two questions to an account at least."""

_SHARE = 3
"""The page may use one request in so many of an account's rate limit; triggerer and workers need the rest."""

_MOST = 1000


class MediaUnavailable(Exception):
    """There is no address to be had; ``status`` is the HTTP status that says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Answer(NamedTuple):
    """What the vendor said last of a job, and when (epoch seconds)."""

    result: JobResult
    told_at: float


def still_good(told_at: float | None, now: float, *, refused: bool = False) -> bool:
    """Return whether an address that was told then may be given out now; ``refused`` says that it did not work."""
    return told_at is not None and now - told_at < (KEEP_REFUSED if refused else KEEP)


class MediaDesk:
    """Gives out addresses of media."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = Lock()
        self._kept: dict[tuple[str, str, str], Answer] = {}
        self._next_ask: dict[tuple[str, str], float] = {}

    def address(self, card: JobCard, job_id: str, stored: Media, *, refused: bool = False) -> str:
        """Return where the result's media is; raise :class:`MediaUnavailable`."""
        if stored.media_url is not None and not refused and still_good(stored.told_at, self._clock()):
            return stored.media_url
        try:
            url = self.result(card, job_id, refused=refused).media_url
        except MediaUnavailable:
            if stored.media_url is None or refused:
                raise
            return stored.media_url
        if url is None:
            raise MediaUnavailable(404, "The result of this job has no media.")
        return url

    def result(self, card: JobCard, job_id: str, *, refused: bool = False) -> JobResult:
        """Return the job's result in the vendor's own words, lately heard or asked for now."""
        with self._lock:
            kept = self._kept.get((card.vendor, card.conn_id, job_id))
        if kept is not None and still_good(kept.told_at, self._clock(), refused=refused):
            return kept.result
        result = self._asked(card, job_id)
        if result.state is not JobState.SUCCEEDED:
            raise MediaUnavailable(409, f"The job has not ended: it is {result.state}.")
        with self._lock:
            while len(self._kept) >= _MOST:
                self._kept.pop(next(iter(self._kept)))
            self._kept[card.vendor, card.conn_id, job_id] = Answer(result, self._clock())
        return result

    def allows_private(self, card: JobCard) -> bool:
        """Return whether the account's results may lie in a private network; for a card whose result is known."""
        return hook_for(card.vendor, card.conn_id).transport.vendor.account.allow_private_addresses

    def _asked(self, card: JobCard, job_id: str) -> JobResult:
        self._check_account(card)
        hook = hook_for(card.vendor, card.conn_id)
        try:
            self._take_turn(card, hook.transport.vendor.rate_limit)
            return hook.result(job_id, card.polled_as)
        except VideoAIError as failure:
            raise MediaUnavailable(502, f"{VENDORS[card.vendor]} gives no address: {failure.message}") from failure

    def _check_account(self, card: JobCard) -> None:
        """Refuse a connection of another type: whoever may write an XCom could have its secrets sent anywhere."""
        if card.vendor not in VENDORS or connection_type(card.conn_id) != card.vendor:
            raise MediaUnavailable(404, f"There is no connection {card.conn_id!r} of type {card.vendor!r} to ask with.")

    def _take_turn(self, card: JobCard, rate_limit: float | None) -> None:
        gap = max(LEAST_GAP, 60.0 * _SHARE / rate_limit if rate_limit else 0.0)
        account, now = (card.vendor, card.conn_id), self._clock()
        with self._lock:
            if (wait := self._next_ask.get(account, now) - now) > 0:
                raise MediaUnavailable(429, f"The account was asked just now. Try again in {wait:.0f} seconds.")
            self._next_ask[account] = now + gap
