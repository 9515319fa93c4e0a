# SPDX-License-Identifier: Apache-2.0
"""Sign requests to Cloud VoD, by either of the vendor's two schemes."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Generator, Iterator, Mapping
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx
from typing_extensions import override

from airflow_provider_videoai.jobs.errors import QuotaExceeded
from airflow_provider_videoai.jobs.protocol.call import json_body

__all__ = ["SCHEMES", "RecentSignatures", "Scheme", "SignedHeaders", "sign_apart", "signature"]


class Scheme(NamedTuple):
    """One of the vendor's two generations: how it names its headers and wants its body."""

    algorithm: str
    key_header: str
    timestamp_header: str
    content_type: str
    encode: Callable[[Mapping[str, Any]], bytes]
    more_headers: Mapping[str, str]


# In lower case as the canonical headers have it: what is signed must be what is sent.
_FORM = "application/x-www-form-urlencoded; charset=utf-8"
_AKSK = {"x-cnc-auth-method": "AKSK"}
# The vendor's SDK signs "cnc" as we do. For "ws3" no example with a known secret is published to compare with.
SCHEMES = {
    "cnc": Scheme("CNC-HMAC-SHA256", "x-cnc-accessKey", "x-cnc-timestamp", "application/json", json_body, _AKSK),
    "ws3": Scheme(
        "WS3-HMAC-SHA256", "X-WS-AccessKey", "X-WS-Timestamp", _FORM, lambda values: urlencode(values).encode(), {}
    ),
}


def signature(scheme: Scheme, secret: str, timestamp: int, request: httpx.Request) -> str:
    """Sign the request's method, path, content type, host and exact body at ``timestamp`` (epoch seconds).

    :param scheme: ``cnc`` or ``ws3``.
    :param secret: the SecretKey.
    :param timestamp: epoch seconds.
    :param request: as it is sent.
    :returns: hex digits.
    """
    # Every canonical header ends its own line, so that a blank one follows them.
    headers = f"content-type:{request.headers['Content-Type'].lower()}\nhost:{request.headers['Host'].lower()}\n"
    # All calls are POSTs, whose query is empty: how a GET's is to be ordered could not be read.
    target = (request.method, request.url.path, request.url.query.decode())
    # Method and path are signed, unlike Aidge's: a captured signature opens no other call.
    canonical = "\n".join((*target, headers, "content-type;host", hashlib.sha256(request.content).hexdigest()))
    to_sign = f"{scheme.algorithm}\n{timestamp}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()


class RecentSignatures:
    """Hands out no signature twice within five minutes, in one process, and seldom another process's.

    "AK/SK Authentication" refuses a repeated signature, and allows a timestamp five minutes off. Equal requests of one
    second would sign alike, so each process signs at seconds of its own: those that are ``offset`` modulo ten, first of
    all the one that is ``offset`` modulo sixty, at most a minute old. Ten seconds is the polling interval that the
    vendor advises, so that a process which keeps to it always has a second left that no process of another offset uses.

    :param offset: seconds, from 0 to 59; random unless given.
    """

    def __init__(self, offset: int | None = None) -> None:
        self._used: dict[str, float] = {}
        self.start_process(offset)

    def start_process(self, offset: int | None = None) -> None:
        """Sign at seconds of this process's own: after a fork, those of the parent are taken.

        :param offset: seconds, from 0 to 59; random unless given.
        """
        # Another thread of the parent may have held the lock. Not `random`: a DAG file may seed that.
        self._turn = Lock()
        self._offset = secrets.randbelow(_MINUTE) if offset is None else offset

    def move(self) -> None:
        """Sign at the seconds of another offset from now on: another process seems to have this one."""
        with self._turn:
            other = 1 + secrets.randbelow(_INTERVAL - 1)  # never the same modulo ten
            self._offset = (self._offset + other + _INTERVAL * secrets.randbelow(_MINUTE // _INTERVAL)) % _MINUTE

    def fresh(self, now: float, sign: Callable[[int], str]) -> tuple[int, str]:
        """Return a timestamp (epoch seconds) near ``now`` and its signature.

        :param now: epoch seconds.
        :param sign: returns the signature of the request at a timestamp.
        :raises QuotaExceeded: if all signatures of the request within four minutes of ``now`` are used up.
        """
        with self._turn:
            # By signature, not by second: different requests of one second sign differently.
            self._forget(now)
            for timestamp in self._candidates(int(now)):
                made = sign(timestamp)
                if made not in self._used:
                    self._used[made] = now
                    return timestamp, made
        raise QuotaExceeded("CDNetworks refuses a repeated signature, and none is left for this request: not sent")

    def _candidates(self, now: int) -> Iterator[int]:
        newest = now - (now - self._offset) % _INTERVAL
        own = range(newest, newest - _MINUTE, -_INTERVAL)
        yield from sorted(own, key=lambda at: (at - self._offset) % _MINUTE != 0)
        yield from (now + step for step in _STEPS)

    def _forget(self, now: float) -> None:
        # A dict keeps the order of use: the oldest is the first.
        while self._used and now - self._used[oldest := next(iter(self._used))] > _REMEMBERED:
            del self._used[oldest]


_INTERVAL, _MINUTE = 10, 60
_STEPS = (0, *(step * way for step in range(1, 241) for way in (-1, 1)))
_REMEMBERED = 600.0  # seconds: a timestamp moved ahead stays in the vendor's window for longer than five minutes
_RECENT = RecentSignatures()
os.register_at_fork(after_in_child=_RECENT.start_process)


def sign_apart() -> None:
    """Sign this process's next requests at other seconds: one was refused, perhaps as another process's repeated."""
    _RECENT.move()


class SignedHeaders(httpx.Auth):
    """Signs each request afresh."""

    requires_request_body = True

    def __init__(self, scheme: Scheme, access_key: str, secret: str, clock: Callable[[], float]) -> None:
        self._scheme = scheme
        self._access_key = access_key
        self._secret = secret
        self._clock = clock

    @override
    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        scheme = self._scheme
        timestamp, signed = _RECENT.fresh(self._clock(), lambda at: signature(scheme, self._secret, at, request))
        request.headers[scheme.key_header] = self._access_key
        request.headers[scheme.timestamp_header] = str(timestamp)
        request.headers.update(scheme.more_headers)
        request.headers["Authorization"] = (
            f"{scheme.algorithm} Credential={self._access_key}, SignedHeaders=content-type;host, Signature={signed}"
        )
        yield request
