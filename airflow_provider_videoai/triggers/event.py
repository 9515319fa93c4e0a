# SPDX-License-Identifier: Apache-2.0
"""What a trigger reports to the worker that goes on: how the waiting ended, in JSON scalars, without any URL.

On a worker an event is outside data: people edit the database, and another version may have written it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from airflow_provider_videoai.jobs.errors import InvalidRequest, VideoAIError
from airflow_provider_videoai.jobs.polling.wait_errors import Reason
from airflow_provider_videoai.jobs.polling.watch import Outcome, Watch
from airflow_provider_videoai.jobs.protocol.vendor import Vendor

__all__ = ["UnknownEventError", "event_of", "job_id_of", "outcome_of", "refused", "submitted_at_of"]

_VERSION = 1
_CLOCKS_APART = 3600.0
"""Seconds by which the clock of the worker that submitted may be ahead of this one's."""


class UnknownEventError(VideoAIError):
    """A trigger's event is not of a kind that this version understands. The job goes on; a retry attaches to it."""


def event_of(watches: list[Watch]) -> dict[str, Any]:
    """Return the event of a wait that is over.

    :param watches: of all jobs of the task, in the order of the ids.
    :returns: JSON scalars, without any URL: Airflow logs events in full.
    """
    worst = next((watch for watch in watches if watch.outcome is not Outcome.ENDED), watches[0])
    return {
        "version": _VERSION,
        "outcome": str(worst.outcome),
        "job_id": worst.job_id,
        "submitted_at": worst.submitted_at,
        # The state only: a whole status may hold URLs, and the worker reads it from XCom `status`.
        "state": worst.status.state.value if worst.status else None,
        **asdict(Reason.of_watch(worst)),
    }


def refused(refusal: VideoAIError) -> dict[str, Any]:
    """Return the event of a wait that could not begin, or that broke off.

    :param refusal: why; its text travels, masked.
    """
    return {
        "version": _VERSION,
        "outcome": str(Outcome.REFUSED),
        "job_id": refusal.job_id,
        "submitted_at": None,
        "state": None,
        **asdict(Reason.of(refusal)),
    }


def outcome_of(event: object) -> Outcome:
    """Read an event against the allow-list; raise :class:`UnknownEventError` for anything else.

    :param event: what Airflow handed to the worker.
    :raises UnknownEventError: for anything that is not on the list.
    """
    if isinstance(event, Mapping) and event.get("version") == _VERSION and event.get("outcome") in list(Outcome):
        return Outcome(event["outcome"])
    raise UnknownEventError(
        "the trigger ended with an event that is not understood; the job goes on at the vendor, and a retry of this "
        "task attaches to it"
    )


def job_id_of(event: object, vendor: type[Vendor]) -> str:
    """Return the job of an event; raise :class:`UnknownEventError` if it names none.

    :param event: what Airflow handed to the worker.
    :param vendor: the vendor whose id it must be.
    :raises UnknownEventError: if it names none.
    """
    job_id = event.get("job_id") if isinstance(event, Mapping) else None
    try:
        vendor.check_job_id(job_id)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - this is what is checked
    except InvalidRequest as odd:
        raise UnknownEventError(
            f"the trigger ended with an event that names no job, and this task has no record of one ({odd.message}); "
            "a job that was bought goes on at the vendor"
        ) from odd
    return str(job_id)


def submitted_at_of(event: object) -> float | None:
    """Return when the job of an event was submitted, in epoch seconds; ``None`` for what is no time in the past.

    :param event: what Airflow handed to the worker.
    """
    said = event.get("submitted_at") if isinstance(event, Mapping) else None
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 < said <= time.time() + _CLOCKS_APART:
        return None
    return float(said)
