# SPDX-License-Identifier: Apache-2.0
"""Make an error of this package of one that nobody foresaw: of its own code, of Airflow or of the machine."""

from __future__ import annotations

from airflow_provider_videoai.jobs.answer import clean
from airflow_provider_videoai.jobs.errors import VideoAIError


def unforeseen(failure: Exception) -> VideoAIError:
    """Return the error to raise or report instead of ``failure``; a retry finds out what became of the job."""
    said = clean(failure)
    return VideoAIError(
        f"unexpected {type(failure).__name__}{': ' if said else ''}{said}. This is not the vendor's doing; the log has "
        "the whole of it. A job that was bought goes on and is billed; a retry reads this task's record of it first"
    )
