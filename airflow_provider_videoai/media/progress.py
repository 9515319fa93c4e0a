# SPDX-License-Identifier: Apache-2.0
"""Log the progress of a transfer: every 10 percent, or every 100 MB if its length is unknown."""

from __future__ import annotations

import time
from collections.abc import Callable

from airflow_provider_videoai.jobs.duration import format_duration
from airflow_provider_videoai.jobs.log import Log

__all__ = ["Progress", "format_size"]

_STEPS = 10
_STEP_OF_UNKNOWN = 100 * 1000 * 1000
_LEAST_SECONDS = 1.0
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def format_size(count: int) -> str:
    """Format a size, ``12.3 MB`` for example.

    :param count: bytes; units are decimal (1 kB is 1000 bytes).
    """
    size, unit = float(count), 0
    while size >= 999.95 and unit < len(_UNITS) - 1:  # noqa: PLR2004 - one digit more would be rounded to 1000.0
        size, unit = size / 1000, unit + 1
    return f"{count} bytes" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"


class Progress:
    """Logs a line at each step, at most one per second.

    :param name: what is transferred.
    :param clock: returns seconds; monotonic.
    """

    def __init__(self, log: Log, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._name = name
        self._clock = clock
        self._began = self._logged_at = clock()
        self._step = 0

    def report(self, done: int, total: int | None) -> None:
        """Log if a step was reached.

        :param done: bytes so far.
        :param total: bytes in total; ``None`` if unknown.
        """
        step = done * _STEPS // total if total else done // _STEP_OF_UNKNOWN
        now = self._clock()
        # The last step is logged by `end`, with the whole time.
        if step <= self._step or now - self._logged_at < _LEAST_SECONDS or done == total:
            return
        self._step, self._logged_at = step, now
        share = f"{done * 100 // total} % of {format_size(total)}" if total else format_size(done)
        self._log.info("%s: %s after %s", self._name, share, format_duration(now - self._began))

    def end(self, done: int) -> None:
        """Log the size and the duration of the whole transfer.

        :param done: bytes.
        """
        duration = format_duration(self._clock() - self._began)
        self._log.info("%s: all %s after %s", self._name, format_size(done), duration)
