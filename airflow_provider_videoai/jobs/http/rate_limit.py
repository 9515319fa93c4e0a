# SPDX-License-Identifier: Apache-2.0
"""Keep an account under its vendor's rate limit, and back off after the vendor throttled it.

A limit of N per minute means: at most N requests in any 60 seconds. If a vendor counts each API by itself, each has a
window of its own. The state is this process's: worker and triggerer count for themselves.
"""

from __future__ import annotations

import hashlib
from collections import deque
from threading import Lock
from typing import ClassVar

from airflow_provider_videoai.jobs.protocol.vendor import Vendor

__all__ = ["RateLimit"]

_WINDOW = 61.0  # a second more than the vendor counts: requests do not all take equally long to reach it
_SHARED = "*"


class RateLimit:
    """The request windows of one account. Times are monotonic seconds; waiting is the caller's."""

    _known: ClassVar[dict[tuple[object, ...], RateLimit]] = {}
    _lock: ClassVar[Lock] = Lock()

    def __init__(self, per_minute: float | None, *, per_call: bool = False) -> None:
        self._per_minute = per_minute
        self._per_call = per_call
        self._sent: dict[str, deque[float]] = {}
        self._backoff_until = float("-inf")
        self._reserving = Lock()
        self.backoffs = 0
        """How often a backoff began; whoever waited meanwhile has to reserve again."""

    @classmethod
    def of(cls, vendor: Vendor) -> RateLimit:
        """Return the rate limit that all threads and event loops of this process share for the vendor's account."""
        account = vendor.account
        # Kept for as long as the process lives: no secret may be in it. A rotated password is the same account's.
        login = hashlib.sha256(account.login.encode("utf-8", "replace")).digest()
        key = (vendor.key, account.conn_id, account.host, login, vendor.rate_limit, vendor.limit_per_call)
        with cls._lock:
            if key not in cls._known:
                cls._known[key] = cls(vendor.rate_limit, per_call=vendor.limit_per_call)
            return cls._known[key]

    def reserve(self, call_name: str, now: float) -> float:
        """Reserve the next free place for a request and return the seconds until it."""
        with self._reserving:
            start = max(now, self._backoff_until)
            if self._per_minute is not None:
                window = self._window(call_name)
                if len(window) == window.maxlen:
                    start = max(start, window[0] + self._spacing)
                window.append(start)
            return start - now

    def back_off(self, seconds: float, now: float) -> None:
        """Send nothing for that many seconds: the vendor throttled the account."""
        with self._reserving:
            if now + seconds > self._backoff_until:
                self._backoff_until = now + seconds
                self.backoffs += 1

    def backing_off(self, now: float) -> bool:
        """Return whether a backoff still lasts."""
        return now < self._backoff_until

    def _window(self, call_name: str) -> deque[float]:
        size = max(1, int(self._per_minute or 1))
        return self._sent.setdefault(call_name if self._per_call else _SHARED, deque(maxlen=size))

    @property
    def _spacing(self) -> float:
        # A limit below one per minute keeps one place and stretches the window instead.
        return max(_WINDOW, _WINDOW / (self._per_minute or 1))
