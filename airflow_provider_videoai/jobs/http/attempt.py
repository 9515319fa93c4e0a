# SPDX-License-Identifier: Apache-2.0
"""One attempt to send a call: what is sent, whether anything of it left, and how much of an answer is read."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import httpx

from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.http.network_errors import Unreadable, why
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.call import Answer, Call
from airflow_provider_videoai.jobs.values.printable import printable

__all__ = ["HEADERS", "MAX_BODY", "USER_AGENT", "Deadline", "Exchange", "LostError", "NotSentError", "signed"]

MAX_BODY = 8 * 1024 * 1024
"""Bytes of an answer that are read at most: a full batch of statuses is some 30 kB."""

USER_AGENT = "airflow-provider-videoai"

HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": USER_AGENT}
"""Headers of every request beside the signed ones. Connections add them, which saves the work in each poll."""

# Encodings that a server may use although `identity` was requested, and zlib's window bits for them: 16 more of them
# than for "deflate" stand for gzip's header.
_ENCODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_SHOWN = 40


class NotSentError(Exception):
    """The connection could not be made, so no byte of the request was sent: safe to repeat."""


class LostError(Exception):
    """The request was sent, or may have been, and no whole answer came."""


class Deadline:
    """When all of a request must be over: connecting, sending, and the last byte of the answer.

    :param seconds: from now.
    """

    # One deadline instead of timeouts per read: a server that sends a byte now and then would never reach those.

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def extend(self, seconds: float) -> None:
        """Move it: the request waited for the account's rate limit.

        :param seconds: how long it waited.
        """
        self._at += seconds

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return time.monotonic() >= self._at

    def left(self) -> float:
        """Return the seconds that are left.

        :returns: more than 0, since a timeout of 0 makes a socket non-blocking.
        :raises TimeoutError: if no time is left.
        """
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def signed(account: Account, call: Call, auth: httpx.Auth) -> httpx.Request:
    """Return the request of a call, signed now.

    :param account: whose host it is sent to.
    :param call: what is sent.
    :param auth: the vendor's signature.
    """
    # Signed for each attempt: Tencent and Cloud VoD refuse a timestamp that is more than 5 minutes old. The query is
    # part of the URL from the start: httpx encodes `params` by the same function, but takes longer.
    query = f"?{urlencode(call.params)}" if call.params else ""
    url = f"{account.host}{call.path}{query}"
    request = httpx.Request(call.method, url, headers=call.headers or None, content=call.body or None)
    return next(auth.auth_flow(request))


class Exchange:
    """One attempt: whether any byte of the request was sent, and the answer, of at most ``MAX_BODY`` bytes.

    :param before_send: called once, when the connection stands and before the first byte leaves; what it raises ends
        the attempt, and nothing has left then.
    """

    # Whether it was sent decides about money: only a submit of which nothing was sent is retried.

    def __init__(self, before_send: Callable[[], object] | None = None) -> None:
        self._content = bytearray()
        self._left = False
        self._before_send = before_send

    def note(self, event: str, info: Mapping[str, Any]) -> None:
        """Note an event of httpcore's trace.

        :param event: its name.
        :param info: its values.
        """
        # From "started" on, not "complete": of a write that failed, some bytes may have left. A CONNECT goes to a
        # proxy, not to the vendor.
        if ".send_request_" in event and event.endswith(".started") and info["request"].method != b"CONNECT":
            if self._before_send is not None and not self._left:
                self._before_send()
            self._left = True

    async def anote(self, event: str, info: Mapping[str, Any]) -> None:
        """Note an event as :meth:`note` does: httpcore's async side awaits its trace.

        :param event: its name.
        :param info: its values.
        """
        self.note(event, info)

    @contextmanager
    def judged(self, *kinds: type[Exception], unsent: tuple[type[Exception], ...] = ()) -> Iterator[None]:
        """Turn failures of these kinds into :class:`NotSentError` or :class:`LostError`.

        :param kinds: what the HTTP library raises.
        :param unsent: what it raises for a request that cannot be written, so that nothing is sent.
        :raises NotSentError: if no byte of the request was sent.
        :raises LostError: if some may have been.
        """
        never_left: tuple[type[Exception], ...] = (httpx.InvalidURL, *unsent)
        lost: tuple[type[Exception], ...] = (*kinds, Unreadable, OSError, ValueError)
        try:
            yield
        except VideoAIError:  # typed already: of the environment's proxy or certificates, or of `before_send`
            raise
        except never_left as failure:
            raise NotSentError(why(failure)) from failure
        except lost as failure:
            raise (LostError if self._left else NotSentError)(why(failure)) from failure

    def add(self, chunk: bytes) -> None:
        """Add a piece of the answer.

        :param chunk: bytes as they came, perhaps encoded.
        :raises Unreadable: if the answer is too long.
        """
        self._content += chunk
        if len(self._content) > MAX_BODY:
            raise Unreadable(f"its answer is longer than {MAX_BODY // 1024**2} MiB")

    def answer(self, status: int, headers: Mapping[str, str]) -> Answer:
        """Return the whole answer, decoded.

        :param status: the HTTP status.
        :param headers: case-insensitive.
        :raises Unreadable: for an encoding that cannot be decoded, or an answer that is too long.
        """
        encoding = headers.get("content-encoding", "").strip().lower()
        if encoding in ("", "identity") or not self._content:
            return Answer(status, headers, bytes(self._content))
        return Answer(status, headers, _decoded(bytes(self._content), encoding))


def _decoded(content: bytes, encoding: str) -> bytes:
    """Undo one encoding, up to ``MAX_BODY`` bytes. Several over each other ("gzip, gzip") are refused: a bomb."""
    shown = printable(encoding[:_SHOWN])
    if encoding not in _ENCODINGS:
        raise Unreadable(f"its answer is encoded as {shown!r}, and identity was requested")
    # Up to a limit, because a few kB of gzip can hold gigabytes. What is left over shows that there was more.
    decoder = zlib.decompressobj(_ENCODINGS[encoding])
    try:
        decoded = decoder.decompress(content, MAX_BODY)
    except zlib.error as failure:
        raise Unreadable(f"its answer says that it is encoded as {shown!r}, and is not") from failure
    if decoder.unconsumed_tail or not decoder.eof:
        raise Unreadable(f"its answer, encoded as {shown!r}, is cut off or longer than {MAX_BODY // 1024**2} MiB")
    return decoded
