# SPDX-License-Identifier: Apache-2.0
"""What a task publishes of its jobs as soon as it has them: whose they are, and how to poll them."""

from __future__ import annotations

import re
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from airflow_provider_videoai.jobs.values.printable import is_printable

__all__ = ["JOB_REFERENCE_KEY", "JobReference", "source_of"]

JOB_REFERENCE_KEY = "video_job"
"""The key of the XCom that holds the reference."""

# Of a reference that is read. Whoever may push an XCom may push megabytes, and the page "Video jobs" reads the
# references of all tasks.
_LONGEST_TEXT = 2000
_LONGEST_URL = 8000
_LONGEST_NAME = 250
_LONGEST_ID = 1000
_MAX_JOBS = 50_000
_NOT_ENCODABLE = re.compile("[\ud800-\udfff]")
# Epoch seconds, of the year 4147: what is later, or not finite, is no time.
_LATEST = 2.0**36


class JobReference(BaseModel):
    """The jobs of one task, all of one account and operation.

    :param vendor: the vendor's key.
    :param operation: what the jobs do.
    :param polled_as: the operation to poll them by.
    :param conn_id: the Airflow connection of their account.
    :param job_ids: the vendor's ids of them.
    :param submitted_at: epoch seconds; ``None`` for jobs that another task submitted.
    :param source: what is worked on: a URL, a text, or a vendor's id. May be signed, so it is in no ``repr``.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    vendor: str
    operation: str
    polled_as: str
    conn_id: str
    job_ids: tuple[str, ...] = Field(min_length=1)
    submitted_at: float | None = Field(default=None, ge=0, le=_LATEST)
    source: str | None = Field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; :meth:`read` reads them back."""
        return self.model_dump(mode="json")

    @classmethod
    def read(cls, value: Any) -> Self | None:
        """Read what :meth:`to_json` wrote.

        :param value: an XCom, which is outside data: whoever may write one may write anything.
        :returns: the reference; ``None`` for anything that is none.
        """
        try:
            reference = cls.model_validate(value)
        except ValidationError:
            return None
        # Limits of texts are not the model's own: a task that has just bought a job must never fail because of its
        # reference.
        return reference if _is_plausible(reference) else None


def source_of(value: Any) -> str | None:
    """Return a request's field as the ``source`` of a reference.

    :param value: the field's value; ``None`` if the request has none.
    :returns: the value as text of at most 2,000 characters, a URL of at most 8,000.
    """
    if value is None:
        return None
    text = str(value)
    # A URL that was cut leads nowhere, and a signed one may be long.
    is_url = text.startswith(("http://", "https://")) and len(text) <= _LONGEST_URL
    return text if is_url else text[:_LONGEST_TEXT]


def _is_plausible(reference: JobReference) -> bool:
    names = (reference.vendor, reference.operation, reference.polled_as, reference.conn_id)
    return (
        all(_is_text(name, _LONGEST_NAME) for name in names)
        and len(reference.job_ids) <= _MAX_JOBS
        and all(_is_text(job_id, _LONGEST_ID) for job_id in reference.job_ids)
        and (reference.source is None or _is_encodable(reference.source, _LONGEST_URL))
    )


def _is_text(text: str, longest: int) -> bool:
    return bool(text) and len(text) <= longest and is_printable(text)


def _is_encodable(text: str, longest: int) -> bool:
    # Not is_printable(): the source may be a text to be spoken, with line breaks. A lone surrogate fits into no answer.
    return len(text) <= longest and not _NOT_ENCODABLE.search(text)
