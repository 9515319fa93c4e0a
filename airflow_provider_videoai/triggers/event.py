# SPDX-License-Identifier: Apache-2.0
"""What a trigger tells the worker that goes on: how the waiting ended, in JSON scalars, without any URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_videoai.jobs.ending import refusal_name, said_of
from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.watch import Outcome, Watch

_VERSION = 1


class UnknownEventError(VideoAIError):
    """A trigger's event is not of a kind that this version understands. The job goes on; a retry attaches to it."""


def event_of(watches: list[Watch]) -> dict[str, Any]:
    """Return the event of a wait that is over."""
    worst = next((watch for watch in watches if watch.outcome is not Outcome.ENDED), watches[0])
    return {
        "version": _VERSION,
        "outcome": str(worst.outcome),
        "job_id": worst.job_id,
        "submitted_at": worst.submitted_at,
        "state": str(worst.status.state) if worst.status else None,
        "refusal": refusal_name(worst),
        "said": said_of(worst),
    }


def refused(refusal: VideoAIError) -> dict[str, Any]:
    """Return the event of a wait that could not begin."""
    return {
        "version": _VERSION,
        "outcome": str(Outcome.REFUSED),
        "job_id": refusal.job_id,
        "submitted_at": None,
        "state": None,
        "refusal": type(refusal).__name__,
        "said": refusal.message.rstrip("."),
    }


def outcome_of(event: object) -> Outcome:
    """Read an event against the allow-list; raise :class:`UnknownEventError` for anything else."""
    if isinstance(event, Mapping) and event.get("version") == _VERSION and event.get("outcome") in list(Outcome):
        return Outcome(event["outcome"])
    raise UnknownEventError(
        "the trigger ended with an event that is not understood; the job goes on at the vendor, and a retry of this "
        "task attaches to it"
    )
