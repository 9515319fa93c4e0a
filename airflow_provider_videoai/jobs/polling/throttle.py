# SPDX-License-Identifier: Apache-2.0
"""Slow an account down when its vendor says so, and let it recover by itself."""

from __future__ import annotations

import time

from airflow_provider_videoai.jobs.errors import QuotaExceeded, VendorUnavailable, VideoAIError
from airflow_provider_videoai.jobs.http.rate_limit import RateLimit

_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 120.0
_LONGEST_ASKED = 900.0  # a vendor's Retry-After may be a mistake; asking once in so long harms nobody


class Throttle:
    """Slow the whole account down when the vendor says so, longer each time, until it answers again."""

    def __init__(self, rate_limit: RateLimit) -> None:
        self._rate_limit = rate_limit
        self._pause = _FIRST_PAUSE

    def note(self, error: VideoAIError | None) -> None:
        """Take in how a request went."""
        now = time.monotonic()
        if error is None:
            self._pause = _FIRST_PAUSE
        elif isinstance(error, QuotaExceeded | VendorUnavailable) and error.retry_after is not None:
            self._rate_limit.back_off(min(error.retry_after, _LONGEST_ASKED), now)
        elif isinstance(error, QuotaExceeded) and not self._rate_limit.backing_off(now):
            # What fails while the account is quiet had left before: many refusals of one burst count once.
            self._rate_limit.back_off(self._pause, now)
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
