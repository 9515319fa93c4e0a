# SPDX-License-Identifier: Apache-2.0
"""What a vendor offers so that a submit whose answer was lost can be repeated without paying twice."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Idempotency"]


class Idempotency(StrEnum):
    """What makes a lost submit safe to repeat; the submission record holds the key before the submit is sent."""

    # In the record first: a key that only the killed process knew could neither be queried nor repeated.

    NONE = "none"
    """Nothing: a lost answer ends in :class:`~airflow_provider_videoai.jobs.errors.SubmitUncertain`."""
    CALLER_ID = "caller_id"
    """The caller chooses the job's id, so its status can be queried before the submit is repeated."""
    HEADER = "header"
    """A key in a header: the vendor answers a repeated submit with the job that the first one made.

    See the IETF draft "The Idempotency-Key HTTP Header Field".
    """
