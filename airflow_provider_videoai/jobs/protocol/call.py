# SPDX-License-Identifier: Apache-2.0
"""One HTTP request of a vendor and its response, as plain values; a vendor does not send them itself."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.values.given_value import as_given

__all__ = ["Answer", "Call", "Flow", "T", "json_body", "path_of"]

T = TypeVar("T")

# RFC 3986's absolute path, without the segments "." and "..", which proxies and servers resolve.
_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request, unsigned.

    :param name: the vendor's name of the API, for errors and for rate limits per API.
    :param path: percent-encoded; :func:`path_of` makes one that holds values, such as a job's id.
    :param method: the HTTP method.
    :param params: the query.
    :param headers: beside those that every request and the vendor's ``auth`` add.
    :param body: the bytes to send; see :func:`json_body`.
    :param buys: whether this is the call that costs money.
    :param accepts: HTTP statuses that are good answers beside 2xx, such as a 409 for "cancelled already".
    :param needs_body: ``False`` if a good answer may lack a JSON object, as 204 does: it is read as an empty one.
    :raises InvalidRequest: for a path that is none: a value was put into it unquoted.
    """

    name: str
    path: str
    method: str = "POST"
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    buys: bool = False
    accepts: Collection[int] = ()
    needs_body: bool = True

    def __post_init__(self) -> None:
        # A job id such as "../account?x=" must never reach another API than the one that is meant.
        if not _PATH.fullmatch(self.path):
            raise InvalidRequest(
                f"{self.name}: path must be percent-encoded, without a query, not {as_given(self.path)}"
            )


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response.

    :param status: the HTTP status.
    :param headers: case-insensitive.
    :param body: decoded, of at most 8 MiB.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


# A generator, not a coroutine: blocking code can drive it without an event loop, and a test without a server.
Flow = Generator[Call, Answer, T]


def path_of(template: str, **values: str) -> str:
    """Return a path with percent-encoded values: ``path_of("/v1/jobs/{job_id}", job_id=job_id)``.

    :param template: the path; each name in braces is replaced.
    :param values: the text for each name; ``/``, ``?``, ``%`` and the like lose their meaning in it.
    :returns: the path of a :class:`Call`.
    :raises InvalidRequest: for an empty value, "." or "..": encoded or not, servers resolve them.
    """
    for name, value in values.items():
        if value in ("", ".", ".."):
            raise InvalidRequest(f"{name}: must be a value that can be part of a path, not {as_given(value)}")
    return template.format_map({name: _quoted(name, value) for name, value in values.items()})


def _quoted(name: str, value: str) -> str:
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise InvalidRequest(f"{name}: must be text that UTF-8 can carry, not {as_given(value)}") from None


def json_body(values: Any) -> bytes:
    """Encode JSON as it is signed and sent: UTF-8, no needless spaces.

    :param values: JSON values.
    :raises InvalidRequest: for text that UTF-8 cannot carry.
    """
    # Bytes, not an object for the HTTP library to encode: CDNetworks signs a hash of exactly what is sent.
    try:
        return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise InvalidRequest("request: a text in it holds a lone surrogate, which cannot be sent") from None
