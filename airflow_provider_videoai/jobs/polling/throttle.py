# SPDX-License-Identifier: Apache-2.0
"""Back off when the vendor throttles the account, and recover without intervention."""

from __future__ import annotations

import time

from airflow_provider_videoai.jobs.errors import QuotaExceeded, VendorUnavailable, VideoAIError
from airflow_provider_videoai.jobs.http.rate_limit import RateLimit

__all__ = ["Throttle"]

_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 120.0
_LONGEST_RETRY_AFTER = 900.0  # a vendor's Retry-After may be a mistake; one request in so long harms nobody


class Throttle:
    """Exponential backoff of the whole account after throttling, until the vendor answers again.

    :param rate_limit: the account's; all its requests wait for the end of a backoff.
    """

    def __init__(self, rate_limit: RateLimit) -> None:
        self._rate_limit = rate_limit
        self._pause = _FIRST_PAUSE

    def note(self, error: VideoAIError | None) -> None:
        """Note how a request ended.

        :param error: what it raised; ``None`` if it was answered.
        """
        now = time.monotonic()
        if error is None:
            self._pause = _FIRST_PAUSE
        # A 503 with Retry-After throttles as well.
        elif isinstance(error, QuotaExceeded | VendorUnavailable) and error.retry_after is not None:
            self._rate_limit.back_off(min(error.retry_after, _LONGEST_RETRY_AFTER), now)
        elif isinstance(error, QuotaExceeded) and not self._rate_limit.backing_off(now):
            # What is refused during a backoff was sent before it: many refusals of one burst count once.
            self._rate_limit.back_off(self._pause, now)
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
