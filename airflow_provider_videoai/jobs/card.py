# SPDX-License-Identifier: Apache-2.0
"""What a task tells of its jobs as soon as it has them, so that others find them: whose they are, and how to ask."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

CARD_KEY = "video_job"
"""The key of the XCom that holds the card."""

_LONGEST_TEXT = 2000
_LATEST = 2.0**36
"""Epoch seconds, of the year 4147: what is later, or not finite, is no time."""


class JobCard(BaseModel):
    """The jobs of one task, all of one account and operation.

    ``operation`` is what they do, ``polled_as`` the name to ask for them by. ``submitted_at`` is epoch seconds,
    ``None`` for jobs that another task submitted. ``source`` is what is worked on: a URL, a text, or a vendor's id.
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
        """Return plain JSON values; :meth:`read` reads them back."""
        return self.model_dump(mode="json")

    @classmethod
    def read(cls, value: Any) -> Self | None:
        """Read what :meth:`to_json` wrote; ``None`` for anything else, which is no card of ours."""
        try:
            return cls.model_validate(value)
        except ValidationError:
            return None


def source_of(value: Any) -> str | None:
    """Return a request's field as the ``source`` of a card: a long text is cut, a URL is not."""
    if value is None:
        return None
    text = str(value)
    return text if text.startswith(("http://", "https://")) else text[:_LONGEST_TEXT]
