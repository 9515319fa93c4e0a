# SPDX-License-Identifier: Apache-2.0
"""Turn an unexpected error (of this package's code, of Airflow, of the machine) into one of this package."""

from __future__ import annotations

from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.values.scrub import clean

__all__ = ["named", "unexpected"]


def named(failure: Exception) -> str:
    """Return an error's class and message in one line, for the text of another error.

    :param failure: any error; its message loses what may be secret. Of this package's own, only the message is shown.
    """
    if isinstance(failure, VideoAIError):
        return failure.message
    said = clean(failure)
    return f"{type(failure).__name__}{': ' if said else ''}{said}"


def unexpected(failure: Exception) -> VideoAIError:
    """Return the error to raise or report instead of ``failure``.

    :param failure: an error that is not of this package.
    """
    # The root class, not a subclass: nothing is known of the job, so no rule for a known case may apply.
    return VideoAIError(
        f"unexpected {named(failure)}. The vendor did not cause it; the log has the traceback. "
        "A job that was bought goes on and is billed; a retry reads this task's record of it first"
    )
