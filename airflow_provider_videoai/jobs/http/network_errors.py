# SPDX-License-Identifier: Apache-2.0
"""Say in plain words why a host could not be reached. No library's text is passed on: it may hold a signed URL."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Iterator

from airflow_provider_videoai.jobs.http.environment import authorities

__all__ = ["Unreadable", "why"]

# The first that fits counts: SSLWantReadError is a subclass of SSLError.
_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "the host name cannot be resolved: is the host right, and is there a network?"),
    (ssl.SSLWantReadError, ""),  # no failure: what failed is the read that followed
    (ssl.SSLError, "it does not speak TLS: is it http://, or another port?"),
    (ConnectionRefusedError, "connection refused: is the port right?"),
    (ConnectionResetError, "the connection was reset"),
    (TimeoutError, "no answer in time"),
)
# By OpenSSL's codes (X509_V_ERR): what trusting another authority would not solve.
_CERTIFICATES = {
    10: "its TLS certificate has expired: is this machine's clock right?",
    62: "its TLS certificate is another host's",
    64: "its TLS certificate is another address's",
}
_NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN})
# The classes of httpcore and aiohttp, by name: a DAG file that is parsed has loaded neither.
_REFUSED_BY_A_PROXY = {"ProxyError", "ClientHttpProxyError"}


class Unreadable(Exception):
    """An answer that is not read to its end, or cannot be. Its text is this package's, and may be shown."""


def why(failure: BaseException) -> str:
    """Return the reason of a failure.

    :param failure: what a library raised; its causes count as well.
    :returns: part of a sentence; the name of the failure's class if it has no words here.
    """
    for cause in _causes(failure):
        if words := _words(cause):
            return words
    return type(failure.__cause__ or failure).__name__.strip("_")


def _words(cause: BaseException) -> str | None:
    if isinstance(cause, Unreadable):
        return str(cause)
    if isinstance(cause, OSError) and cause.errno in _NO_WAY:
        return "there is no route to the host"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            _CERTIFICATES.get(getattr(cause, "verify_code", 0))
            or f"its TLS certificate is not trusted: {_whom_we_trust()}"
        )
    if type(cause).__name__ in _REFUSED_BY_A_PROXY:
        # aiohttp's error holds the status; the text of httpcore's begins with it.
        status = getattr(cause, "status", None) or next(iter(re.findall(r"\d{3}", str(cause)[:3])), "?")
        return f"the proxy refused the connection: HTTP {status}"
    return next((words for kind, words in _WORDS if isinstance(cause, kind)), None)


def _whom_we_trust() -> str:
    if named := authorities():
        return f"the environment trusts only what is in {', '.join(named)}"
    return "a private CA is set with SSL_CERT_FILE in the environment"


def _causes(failure: BaseException | None) -> Iterator[BaseException]:
    """Yield what led to the failure, the root first: it says the most."""
    if failure is not None:
        yield from _causes(failure.__cause__ or failure.__context__)
        yield failure
