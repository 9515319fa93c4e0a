# SPDX-License-Identifier: Apache-2.0
"""Make an error of this package of one that nobody foresaw: of its own code, of Airflow or of the machine."""

from __future__ import annotations

from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.values.scrub import clean

__all__ = ["named", "unexpected"]


def named(failure: Exception) -> str:
    """Return an error's class and words in one line, for the text of another; of this package's own only the words."""
    if isinstance(failure, VideoAIError):
        return failure.message
    said = clean(failure)
    return f"{type(failure).__name__}{': ' if said else ''}{said}"


def unexpected(failure: Exception) -> VideoAIError:
    """Return the error to raise or report instead of ``failure``; a retry finds out what became of the job."""
    return VideoAIError(
        f"unexpected {named(failure)}. This is not the vendor's doing; the log has "
        "the whole of it. A job that was bought goes on and is billed; a retry reads this task's record of it first"
    )
