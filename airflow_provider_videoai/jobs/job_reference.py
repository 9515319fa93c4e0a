# SPDX-License-Identifier: Apache-2.0
"""What a task publishes of its jobs as soon as it has them, or of the refusal if it gets none."""

from __future__ import annotations

import re
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.values.printable import is_printable
from airflow_provider_videoai.jobs.values.url_secrets import words_without_secrets

__all__ = ["JOB_REFERENCE_KEY", "JobReference", "Refusal", "source_of"]

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


class Refusal(BaseModel):
    """Why a submit gave no job.

    :param error: the name of the error's class in :mod:`airflow_provider_videoai.jobs.errors`.
    :param message: the error's text, its URLs without user and query.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    error: str
    message: str = Field(repr=False)

    @classmethod
    def of(cls, error: VideoAIError) -> Self:
        """Return the refusal that an error is.

        :param error: what the submit raised; no secret of the account is in it.
        """
        return cls(error=type(error).__name__, message=words_without_secrets(error.message))

    @property
    def is_plausible(self) -> bool:
        """Whether one that was read may be shown."""
        return _is_text(self.error, _LONGEST_NAME) and _is_encodable(self.message, _LONGEST_URL)


class JobReference(BaseModel):
    """The jobs of one task, all of one account and operation; or why it has none.

    :param vendor: the vendor's key.
    :param operation: what the jobs do.
    :param polled_as: the operation to poll them by.
    :param conn_id: the Airflow connection of their account.
    :param job_ids: the vendor's ids of them; none after a refusal.
    :param submitted_at: epoch seconds; ``None`` for jobs that another task submitted.
    :param source: what is worked on: a URL, a text, or a vendor's id. May be signed, so it is in no ``repr``.
    :param refusal: why the submit gave no job.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    vendor: str
    operation: str
    polled_as: str
    conn_id: str
    job_ids: tuple[str, ...]
    submitted_at: float | None = Field(default=None, ge=0, le=_LATEST)
    source: str | None = Field(default=None, repr=False)
    refusal: Refusal | None = None

    @model_validator(mode="after")
    def _has_jobs_or_a_refusal(self) -> Self:
        if bool(self.job_ids) is (self.refusal is not None):
            raise ValueError("job_ids: must not be empty, and must be if there is a refusal")
        return self

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
        and (reference.refusal is None or reference.refusal.is_plausible)
        and (reference.source is None or _is_encodable(reference.source, _LONGEST_URL))
    )


def _is_text(text: str, longest: int) -> bool:
    return bool(text) and len(text) <= longest and is_printable(text)


def _is_encodable(text: str, longest: int) -> bool:
    # Not is_printable(): the source may be a text to be spoken, with line breaks. A lone surrogate fits into no answer.
    return len(text) <= longest and not _NOT_ENCODABLE.search(text)
