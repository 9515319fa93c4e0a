# SPDX-License-Identifier: Apache-2.0
"""Say in a person's words why a host could not be reached; no library's text, which may hold a URL, is passed on."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator

import httpx

_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "the name is not known: is the host right, and is there a network?"),
    (ssl.SSLCertVerificationError, "its TLS certificate is not trusted"),
    (ssl.SSLError, "it does not speak TLS: is it http://, or another port?"),
    (ConnectionRefusedError, "nothing listens there: is the port right?"),
    (ConnectionResetError, "the connection was reset"),
    (TimeoutError, "no answer in time"),
    (httpx.TimeoutException, "no answer in time"),
)
_NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN})


def why(failure: BaseException) -> str:
    """Return the reason; of a failure that has no words here, the name of its class."""
    for cause in _causes(failure):
        if isinstance(cause, OSError) and cause.errno in _NO_WAY:
            return "no network leads there"
        for kind, words in _WORDS:
            if isinstance(cause, kind):
                return words
    return type(failure.__cause__ or failure).__name__.strip("_")


def _causes(failure: BaseException | None) -> Iterator[BaseException]:
    """Yield what led to the failure, the root first: it tells the most."""
    if failure is not None:
        yield from _causes(failure.__cause__ or failure.__context__)
        yield failure
