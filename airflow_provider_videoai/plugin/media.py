# SPDX-License-Identifier: Apache-2.0
"""Find where a job's media is *now*: result URLs expire, so the vendor is polled again, seldom, and at no cost.

A URL that Airflow got minutes ago is used as it is. For an older one the hook queries the job's status, the answer is
kept for some minutes, and an account is polled so seldom that an open page cannot use its rate limit up. If the vendor
cannot be polled, the old URL is better than none. A URL that the media's server refused causes a query, however new
it is; of one job every 20 seconds at most. Memory and limits are this process's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.hooks.lookup import hook_for
from airflow_provider_videoai.jobs.errors import JobNotFound, ResultUnavailable, VideoAIError
from airflow_provider_videoai.jobs.job_reference import JobReference
from airflow_provider_videoai.jobs.model import JobResult, JobState
from airflow_provider_videoai.plugin import subtitles
from airflow_provider_videoai.plugin.records import connection_type
from airflow_provider_videoai.plugin.vendor_calls import Busy, OutsideCalls, SharedCalls, T, Unavailable
from airflow_provider_videoai.plugin.view import VENDORS, Media
from airflow_provider_videoai.plugin.wording import is_url, shown

__all__ = ["KEEP", "KEEP_REFUSED", "LEAST_INTERVAL", "Answer", "MediaUnavailable", "MediaUrls", "still_good"]

KEEP = 300.0
"""Seconds for which a URL is used without polling for it again."""

KEEP_REFUSED = 20.0
"""Seconds between two queries of a job that refusals cause: browsers that try over and over do not reach the vendor."""

LEAST_INTERVAL = 2.0
"""Seconds between two polls of an account at least."""

_SHARE = 3
"""The page may use one request in so many of an account's rate limit; triggerer and workers need the rest."""

_MOST = 1000

_Key = tuple[str, str, str]
"""Vendor, connection and job id."""


class MediaUnavailable(Unavailable):
    """There is no URL of the media to be had; the HTTP status and the text say why."""


class Answer(NamedTuple):
    """The vendor's last report on a job, its time (epoch seconds), and if its media may be in a private network."""

    result: JobResult
    received_at: float
    allow_private: bool


def still_good(received_at: float | None, now: float) -> bool:
    """Return whether a URL that no server refused may be used without a poll.

    :param received_at: when the vendor gave it, in epoch seconds; ``None`` if unknown.
    :param now: epoch seconds.
    """
    return received_at is not None and now - received_at < KEEP


class MediaUrls:
    """Finds the current URLs of media and subtitles. For one event loop.

    :param clock: returns epoch seconds.
    :param outside: the limits of calls to vendors and media servers.
    """

    def __init__(self, clock: Callable[[], float] = time.time, outside: OutsideCalls | None = None) -> None:
        self._clock = clock
        self._outside = outside or OutsideCalls()
        self._shared = SharedCalls()
        self._kept: dict[_Key, Answer] = {}
        self._refused_at: dict[_Key, float] = {}
        """When the last query was made because a URL was refused."""
        self._next_poll: dict[tuple[str, str], float] = {}

    async def address(
        self, reference: JobReference, job_id: str, stored: Media, *, refused: bool = False, output: int | None = None
    ) -> str:
        """Return the URL of the result's media, or of one of its outputs.

        :param reference: what the task stored of its jobs.
        :param job_id: one of those jobs.
        :param stored: the URLs that Airflow has; the vendor is polled if they are missing or old.
        :param refused: the media's server refused the last URL.
        :param output: the number of an output, counted from 0; ``None`` for the media.
        :raises MediaUnavailable: if there is none.
        :raises Busy: if the account was polled just now, too many calls are in flight, or one took too long.
        """
        known = stored.media_url if output is None else _at(stored.outputs, output)
        kept = self._kept.get(_key(reference, job_id))
        newest = kept is None or kept.received_at <= (stored.received_at or 0.0)
        if known is not None and newest and not refused and still_good(stored.received_at, self._clock()):
            return known
        try:
            result = (await self._answer(reference, job_id, refused=refused)).result
        except Unavailable:
            # An old URL often still works, and the page sends `refused` if it does not.
            if known is None or refused:
                raise
            return known
        url = result.media_url if output is None else _at([each.url for each in result.outputs], output)
        if url is None:
            what = "media" if output is None else "such output, or none with an address"
            raise MediaUnavailable(404, f"The result of this job has no {what}.")
        if not is_url(url):
            raise MediaUnavailable(502, "The vendor gave something else than an address.")
        return url

    async def subtitles(self, reference: JobReference, job_id: str) -> str:
        """Return the result's subtitles as WebVTT.

        :param reference: what the task stored of its jobs.
        :param job_id: one of those jobs.
        :raises MediaUnavailable: if it has none, or they cannot be fetched.
        :raises Busy: as :meth:`address` does.
        """
        # The vendor's URL, never the XCom's: the API server itself fetches it, and anyone may have written an XCom.
        answer = await self._answer(reference, job_id)
        url = answer.result.subtitles_url
        if url is None or not is_url(url):
            raise MediaUnavailable(404, "This result has no subtitles.")
        try:
            async with self._outside.call("subtitles"):
                return await subtitles.fetch(url, allow_private=answer.allow_private)
        except subtitles.NoSubtitles as failure:
            raise MediaUnavailable(502, shown(f"No subtitles: {failure}.")) from failure

    async def _answer(self, reference: JobReference, job_id: str, *, refused: bool = False) -> Answer:
        """Return the vendor's report on the job: the last one if it may be used, else from a poll."""
        key = _key(reference, job_id)
        kept = self._kept.get(key)
        if kept is not None and (self._renewed(key, kept) if refused else still_good(kept.received_at, self._clock())):
            return kept
        # Shared: several players on one page would each poll the account for the same job.
        answer = await self._shared.call(key, partial(self._polled, reference, job_id, refused=refused))
        _remember(self._kept, key, answer)
        return answer

    def _renewed(self, key: _Key, kept: Answer) -> bool:
        """Whether an answer is of the last query for a refusal, and that was just now: other players got it, too."""
        refused_at = self._refused_at.get(key, -math.inf)
        return refused_at <= kept.received_at and self._clock() - refused_at < KEEP_REFUSED

    async def _polled(self, reference: JobReference, job_id: str, *, refused: bool) -> Answer:
        key, account = _key(reference, job_id), (reference.vendor, reference.conn_id)
        # Only if that query failed: else its answer is kept, and used.
        if refused and (wait := self._refused_at.get(key, -math.inf) + KEEP_REFUSED - self._clock()) > 0:
            raise Busy("The vendor was queried for another address just now.", math.ceil(wait))
        try:
            async with self._outside.call(account):
                hook = await self._outside.in_thread(partial(_hook, reference))
                vendor = hook.transport.vendor
                # After the lookup: a connection that cannot be read uses no poll up.
                self._reserve_poll(account, vendor.rate_limit)
                if refused:
                    _remember(self._refused_at, key, self._clock())
                result = await hook.aresult(job_id, reference.polled_as)
        except VideoAIError as failure:
            text = f"{VENDORS[reference.vendor]} gives no address: {shown(failure.message)}"
            gone = isinstance(failure, JobNotFound | ResultUnavailable)
            raise MediaUnavailable(410 if gone else 502, text) from failure
        if result.state is not JobState.SUCCEEDED:
            raise MediaUnavailable(409, f"The job has not ended: it is {result.state}.")
        return Answer(result, self._clock(), vendor.account.options.allow_private_addresses)

    def _reserve_poll(self, account: tuple[str, str], rate_limit: float | None) -> None:
        # Refused rather than delayed: a request that waits would hold one of the few places for outside calls.
        gap = max(LEAST_INTERVAL, 60.0 * _SHARE / rate_limit if rate_limit else 0.0)
        now = self._clock()
        if (wait := self._next_poll.get(account, now) - now) > 0:
            raise Busy("The account was polled just now.", math.ceil(wait))
        self._next_poll[account] = now + gap


def _key(reference: JobReference, job_id: str) -> _Key:
    return reference.vendor, reference.conn_id, job_id


def _remember(memory: dict[_Key, T], key: _Key, value: T) -> None:
    # Bounded: the API server lives long, and every job that anyone opens leaves an entry.
    memory.pop(key, None)
    while len(memory) >= _MOST:
        del memory[next(iter(memory))]
    memory[key] = value


def _at(urls: Sequence[str | None], number: int) -> str | None:
    return urls[number] if number < len(urls) else None


def _hook(reference: JobReference) -> VideoJobHook:
    """Return the hook with its connection looked up: it blocks, and may query a secrets backend."""
    # Whoever may write an XCom chooses the id: unchecked, the secrets of any connection could be sent to a vendor.
    if reference.vendor not in VENDORS or connection_type(reference.conn_id) != reference.vendor:
        named = f"{shown(reference.conn_id)!r} of type {shown(reference.vendor)!r}"
        raise MediaUnavailable(404, f"There is no connection {named} to poll with.")
    hook = hook_for(reference.vendor, reference.conn_id)
    _ = hook.transport  # looks the connection up here, in the thread, and not later in the event loop
    return hook
