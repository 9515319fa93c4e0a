# SPDX-License-Identifier: Apache-2.0
"""Keep an account under its vendor's rate limit, and back off after the vendor throttled it.

A limit of N per minute means: at most N requests in any 60 seconds. If a vendor counts each API by itself, each has a
window of its own. With a ledger the limit holds for all processes that share it, and so does a backoff. Without one
each process has the whole limit for itself, and adapts: it halves its rate when the vendor throttles it, and raises
it slowly while the vendor does not.
"""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_videoai.jobs.ledger.account_key import account_key_of
from airflow_provider_videoai.jobs.ledger.reserved import LedgerError
from airflow_provider_videoai.jobs.ledger.window import BLOCK, WINDOW
from airflow_provider_videoai.jobs.protocol.vendor import Vendor

if TYPE_CHECKING:  # it loads SQLAlchemy, which no DAG file needs
    from airflow_provider_videoai.jobs.ledger.ledger import Ledger

__all__ = ["RateLimit"]

log = logging.getLogger(__name__)

_ALL = "*"
_RETRY_LEDGER = 60.0
"""Seconds for which a ledger that failed is left alone."""
_MANY = 15
"""Requests within a block from which on places are reserved by the block: up to twice as long a wait as between two
places, two seconds, is not worth a call of the ledger for each. At a low limit as many as a block has places: whoever
sends so many is held up by the limit in any case."""
_SMALLEST_FACTOR = 1 / 64
_RECOVERY = 0.02
"""By how much of the limit the rate rises in a minute without a refusal. Twenty processes that share a limit without
knowing of each other then exceed it by 40 % in a minute, are refused, and halve."""


class RateLimit:
    """The request windows of one account. Times are monotonic seconds; waiting is the caller's.

    :param per_minute: the limit; ``None`` sets none, and leaves the backoffs.
    :param per_call: whether the vendor counts each API by itself.
    :param ledger: shared with other processes.
    :param account: the account's name in the ledger.
    :param clock: returns monotonic seconds.
    """

    _known: ClassVar[dict[tuple[object, ...], RateLimit]] = {}
    _lock: ClassVar[Lock] = Lock()

    def __init__(
        self,
        per_minute: float | None,
        *,
        per_call: bool = False,
        ledger: Ledger | None = None,
        account: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_minute = per_minute
        self._per_call = per_call
        self._ledger = ledger
        self._account = account
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self._backoff_until = float("-inf")
        self._unshared_until = float("-inf")
        self._ledger_failed_until = float("-inf")
        self._factor = 1.0
        self._factor_at = float("-inf")
        self._reserving = Lock()
        self.backoffs = 0
        """How often a backoff began; whoever waited meanwhile has to reserve again."""

    @classmethod
    def of(cls, vendor: Vendor, ledger: Ledger | None = None) -> RateLimit:
        """Return the rate limit that all threads and event loops of this process share for the vendor's account.

        :param vendor: the vendor, with its account.
        :param ledger: shared with other processes.
        """
        # Kept for as long as the process lives: no secret may be in it.
        account = account_key_of(vendor)
        key = (account, vendor.rate_limit, vendor.limit_per_call, ledger)
        with cls._lock:
            if key not in cls._known:
                cls._known[key] = cls(vendor.rate_limit, per_call=vendor.limit_per_call, ledger=ledger, account=account)
            return cls._known[key]

    @property
    def limited(self) -> bool:
        """Whether there is a limit, so that a place may pass; without one there are only backoffs."""
        return self._per_minute is not None

    def reserve(self, call_name: str, now: float) -> float | None:
        """Reserve the next free place for a request, which has to leave within ``LATE`` seconds after it.

        :param call_name: the vendor's name of the API.
        :param now: monotonic seconds.
        :returns: the seconds until the place; ``None`` if there is none before :meth:`refill` was called.
        """
        with self._reserving:
            window = self._window(call_name)
            if self._shared(now):
                # A place is good for seconds, a backoff lasts for minutes: after it, another place is needed.
                start = None if self.backing_off(now) else window.take(now, limited=self.limited)
                return None if start is None else start - now
            limit = self._limit(now)
            start = max(now, self._backoff_until)
            return (start if limit is None else window.next(start, limit)) - now

    def empty(self, call_name: str, now: float) -> bool:
        """Return whether :meth:`reserve` would have no place.

        :param call_name: the vendor's name of the API.
        :param now: monotonic seconds.
        """
        with self._reserving:
            window = self._window(call_name)
            return self._shared(now) and (self.backing_off(now) or window.empty(now, limited=self.limited))

    def refill(self, call_name: str) -> float:
        """Reserve places in the ledger. It blocks for as long as the database does, some seconds at most.

        :param call_name: the vendor's name of the API.
        :returns: the seconds to wait before :meth:`reserve` is of use.
        """
        with self._reserving:
            window, began = self._window(call_name), self._clock()
            wait = max(window.not_before, self._backoff_until) - began
            wanted = window.wanted(began)
            backoff = max(0.0, self._unshared_until - began)
            # During a backoff there is nothing to reserve, only to let the others know of it.
            limit = None if backoff else self._limit(began)
        if self._ledger is None or (wait > 0 and not backoff):
            return max(0.0, wait)
        try:
            api = call_name if self._per_call else _ALL
            reserved = self._ledger.reserve(
                self._account, api, holder=_holder(os.getpid()), wanted=wanted, per_minute=limit, backoff=backoff
            )
        except LedgerError as failure:
            self._leave(failure)
            return 0.0
        with self._reserving:
            ended = self._clock()
            self._unshared_until = float("-inf")
            # As late as a place may start, and as early as it may end, whenever in between the database looked.
            window.add([(ended + start, began + end) for start, end in reserved.places], ended)
            self._backoff_until = max(self._backoff_until, ended + reserved.backoff)
        return 0.0

    def back_off(self, seconds: float, now: float) -> None:
        """Send nothing for that many seconds: the vendor throttled the account.

        :param seconds: for how long.
        :param now: monotonic seconds.
        """
        with self._reserving:
            if now + seconds <= self._backoff_until:
                return
            if not self.backing_off(now):  # refusals of one burst count once
                self._factor = max(self._risen(now) / 2, _SMALLEST_FACTOR)
                self._factor_at = now
            self._backoff_until = self._unshared_until = now + seconds
            self.backoffs += 1
            for window in self._windows.values():
                window.expire()  # whoever reserves next lets the other processes know

    def backing_off(self, now: float) -> bool:
        """Return whether a backoff still lasts.

        :param now: monotonic seconds.
        """
        return now < self._backoff_until

    def _shared(self, now: float) -> bool:
        return self._ledger is not None and now >= self._ledger_failed_until

    def _leave(self, failure: LedgerError) -> None:
        """Go by this process's own limit for a while: a ledger that fails is no reason not to submit."""
        self._ledger_failed_until = self._clock() + _RETRY_LEDGER
        _warn_once(os.getpid(), str(failure))

    def _limit(self, now: float) -> float | None:
        return None if self._per_minute is None else self._per_minute * self._risen(now)

    def _risen(self, now: float) -> float:
        """Return the factor, as it has risen since the last refusal."""
        if self._factor == 1.0:
            return 1.0
        return min(1.0, self._factor + _RECOVERY * (now - self._factor_at) / 60.0)

    def _window(self, call_name: str) -> _Window:
        name = call_name if self._per_call else _ALL
        if name not in self._windows:
            self._windows[name] = _Window(self._per_minute)
        return self._windows[name]


class _Window:
    """The places of one API in this process: those that it took itself, and those that the ledger gave it."""

    def __init__(self, per_minute: float | None) -> None:
        most = max(1, int(per_minute or 1))
        self._many = max(2, min(_MANY, most * BLOCK / 60.0))
        self._sent: deque[float] = deque(maxlen=most)
        self._given: deque[tuple[float, float]] = deque()
        self._wanted: deque[tuple[float, bool]] = deque(maxlen=most)
        self._synced_at = float("-inf")
        self.not_before = float("-inf")
        """When the last place that the ledger gave has come: before, no more are reserved, so that others get some."""

    def next(self, start: float, limit: float) -> float:
        """Take the next place of this process's own limit, from ``start`` on."""
        # A limit below one per minute keeps one place and stretches the window instead.
        size, spacing = max(1, int(limit)), max(WINDOW, WINDOW / limit)
        if len(self._sent) >= size:
            start = max(start, self._sent[-size] + spacing)
        self._sent.append(start)
        return start

    def empty(self, now: float, *, limited: bool) -> bool:
        """Return whether to reserve places in the ledger first; without a limit once per block, for backoffs."""
        if not limited:
            return now - self._synced_at >= BLOCK
        while self._given and self._given[0][1] <= now:
            self._given.popleft()
        return not self._given

    def take(self, now: float, *, limited: bool) -> float | None:
        """Take the next place that the ledger gave; without a limit any time is one."""
        if self.empty(now, limited=limited):
            return None
        if not limited:
            return now
        start = max(now, self._given.popleft()[0])
        # When it leaves, not now: at a low limit it may wait for longer than a block, and would be forgotten by then.
        self._wanted.append((start, start > now))
        # Should the ledger fail, it counts among the places that this process takes itself.
        self._sent.append(start)
        return start

    def wanted(self, now: float) -> int:
        """Return how many places to reserve for a block: one at a time, unless many were wanted, or had to wait."""
        recent = [waited for leaves_at, waited in self._wanted if leaves_at > now - BLOCK]
        if len(recent) > 1 and 2 * sum(recent) > len(recent):
            return 2 * len(recent)  # more are wanted than there were; the ledger gives no more than a share
        return len(recent) if len(recent) >= self._many else 1

    def add(self, places: list[tuple[float, float]], now: float) -> None:
        """Take in what the ledger gave."""
        self._synced_at = now
        self._given.extend(place for place in places if place[0] < place[1])
        if places:
            self.not_before = places[-1][0]

    def expire(self) -> None:
        """Forget what the ledger gave: during a backoff it would only go stale."""
        self._given.clear()
        self._synced_at = self.not_before = float("-inf")


@lru_cache(maxsize=1)
def _holder(process: int) -> str:
    """Name this process, and no other: one that was forked is another, and ids of processes come again."""
    return f"{socket.gethostname()[:60]}/{process}/{uuid.uuid4().hex[:8]}"


@lru_cache(maxsize=1)
def _warn_once(process: int, why: str) -> None:
    log.warning(
        "Rate limits are not shared with other processes at present: %s. Process %d keeps to them by itself, and tries "
        "again every minute.",
        why,
        process,
    )
