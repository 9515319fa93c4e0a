# SPDX-License-Identifier: Apache-2.0
"""One HTTP request of a vendor and its response, as plain values: who sends them is no matter of a vendor's."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from airflow_provider_videoai.jobs.errors import InvalidRequest

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request, unsigned. ``name`` is the vendor's name of the API; ``buys`` marks the one that costs money."""

    name: str
    path: str
    method: str = "POST"
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    buys: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


Flow = Generator[Call, Answer, T]


def json_body(values: Any) -> bytes:
    """Encode JSON as it is signed and sent: UTF-8, no needless spaces.

    Raise :class:`InvalidRequest` for text that UTF-8 cannot carry.
    """
    try:
        return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise InvalidRequest("request: a text in it holds a lone surrogate, which cannot be sent") from None
