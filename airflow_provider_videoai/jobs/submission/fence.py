# SPDX-License-Identifier: Apache-2.0
"""Stand between the record of a submit and its bytes: an attempt that was paused meanwhile must not buy.

A worker may be frozen, or cut off, for minutes. Airflow then starts another attempt elsewhere, which finds the record
and stops, or submits. What the first one would send after it woke up would be a second purchase.
"""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.submission.pauses import Clocks
from airflow_provider_videoai.jobs.submission.record import SubmissionRecord
from airflow_provider_videoai.jobs.submission.record_store import Store, load
from airflow_provider_videoai.jobs.unexpected_errors import named

__all__ = ["FENCE_SECONDS", "Fence"]

FENCE_SECONDS = 5.0
"""How old the proof that the record is ours may be when the submit leaves."""

_SENT_NOTHING = "This attempt sent nothing and bought nothing"


class Fence:
    """Writes the record when the connection stands, and proves that it is still ours if time has passed since.

    :param store: where the record is kept.
    :param record: the record, in phase ``submitting``.
    :param announce: writes it.
    :param clocks: by which a pause is noticed.
    """

    def __init__(self, store: Store, record: SubmissionRecord, announce: Callable[[], None], clocks: Clocks) -> None:
        self._store = store
        self._record = record
        self._announce = announce
        self._clocks = clocks
        self._proven_at: tuple[float, float] | None = None
        self.failure: VideoAIError | None = None
        """Why the submit was not let through; nothing was sent then."""

    @property
    def announced(self) -> bool:
        """Whether the record was written: others may see it."""
        return self._proven_at is not None

    def __call__(self) -> None:
        """Let a submit through; call it where its first byte is about to leave.

        :raises VideoAIError: if the record cannot be written or read, or is another attempt's by now.
        """
        try:
            if self._proven_at is None:
                began = self._clocks.now()
                self._announce()
                self._proven_at = began
            if self._clocks.passed(self._proven_at) > FENCE_SECONDS:
                self._prove()
        except VideoAIError as failure:
            self.failure = failure
            raise

    def _prove(self) -> None:
        began = self._clocks.now()
        try:
            ours = load(self._store) == self._record
        except VideoAIError as failure:
            raise VideoAIError(f"{failure.message}. {_SENT_NOTHING}") from failure
        except Exception as failure:
            raise VideoAIError(f"The submission record cannot be read ({named(failure)}). {_SENT_NOTHING}") from failure
        if not ours:
            raise VideoAIError(f"Another attempt of this task took over while this one was paused. {_SENT_NOTHING}")
        self._proven_at = began
