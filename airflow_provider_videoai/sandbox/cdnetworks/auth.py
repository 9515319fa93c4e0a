# SPDX-License-Identifier: Apache-2.0
"""CDNetworks' two signature schemes, verified: ``CNC-HMAC-SHA256`` (new) and ``WS3-HMAC-SHA256`` (old)."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from urllib.parse import unquote

from airflow_provider_videoai.sandbox.credentials import CREDENTIALS
from airflow_provider_videoai.sandbox.endpoints import Incoming

# Both editions of the page: a timestamp more than five minutes off is invalid.
WINDOW = 300
# These two, in this order: no page or SDK of the vendor signs others.
SIGNED_HEADERS = "content-type;host"
# Spaces after the commas, as both pages print it: a client that leaves them out relies on a lenient parser.
_AUTHORIZATION = re.compile(
    r"(?P<scheme>CNC|WS3)-HMAC-SHA256 Credential=(?P<key>[^,\s]+), "
    r"SignedHeaders=(?P<headers>[^,\s]+), Signature=(?P<signature>[0-9a-f]{64})",
)


class AuthenticationFailed(Exception):
    """The authentication of a call is invalid; the message says why."""


@dataclass(frozen=True)
class _Scheme:
    algorithm: str
    key_header: str
    timestamp_header: str
    # The vendor's SDK of the new edition lower-cases header values before it signs them.
    lowers_values: bool


_SCHEMES = {
    "CNC": _Scheme("CNC-HMAC-SHA256", "x-cnc-accesskey", "x-cnc-timestamp", lowers_values=True),
    "WS3": _Scheme("WS3-HMAC-SHA256", "x-ws-accesskey", "x-ws-timestamp", lowers_values=False),
}


@dataclass(frozen=True)
class CanonicalRequest:
    """What is signed.

    :param query: decoded; empty for POST.
    :param content_type: as the header has it.
    :param host: as the header has it, with any port.
    :param body: empty for GET.
    """

    method: str
    path: str
    query: str
    content_type: str
    host: str
    body: bytes

    def signature(self, algorithm: str, secret: str, timestamp: str) -> str:
        """Return the signature in lower-case hex.

        :param algorithm: ``CNC-HMAC-SHA256`` or ``WS3-HMAC-SHA256``; it is the first line of what is signed.
        :param secret: the secret key.
        :param timestamp: epoch seconds, as a decimal string.
        """
        headers = f"content-type:{self.content_type}\nhost:{self.host}\n"
        payload = hashlib.sha256(self.body).hexdigest()
        # The blank line: every canonical header ends with a line feed, and another one follows the block.
        request = f"{self.method}\n{self.path}\n{self.query}\n{headers}\n{SIGNED_HEADERS}\n{payload}"
        to_sign = f"{algorithm}\n{timestamp}\n{hashlib.sha256(request.encode()).hexdigest()}"
        return hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()


class SignatureVerifier:
    """Verifies calls, and remembers their signatures so that none is used twice within five minutes."""

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}

    def forget(self) -> None:
        """Forget all signatures."""
        self._seen.clear()

    def check(self, incoming: Incoming) -> None:
        """Verify that a call is signed with the sandbox's key, freshly, for the first time.

        :param incoming: the call.
        :raises AuthenticationFailed: if it is not.
        """
        found = _AUTHORIZATION.fullmatch(incoming.headers.get("authorization", ""))
        if found is None:
            raise AuthenticationFailed("the Authorization header is absent or malformed")
        scheme = _SCHEMES[found["scheme"]]
        timestamp = _checked_headers(incoming, scheme, found["key"])
        if found["headers"] != SIGNED_HEADERS:
            raise AuthenticationFailed(f"SignedHeaders must be {SIGNED_HEADERS}")
        canonical = _canonical(incoming, lowers_values=scheme.lowers_values)
        expected = canonical.signature(scheme.algorithm, CREDENTIALS["cdnetworks"].password, timestamp)
        if not hmac.compare_digest(expected, found["signature"]):
            raise AuthenticationFailed("the signature does not match")
        # Last: a signature that was refused has not been used.
        self._remember(expected)

    def _remember(self, signature: str) -> None:
        now = time.monotonic()
        # The page on AK/SK authentication: a signature with an identical timestamp may not be reused within five
        # minutes. So a client must sign a retry again, in another second.
        self._seen = {old: at for old, at in self._seen.items() if now - at < WINDOW}
        if signature in self._seen:
            raise AuthenticationFailed("the signature was used before, within five minutes")
        self._seen[signature] = now


def _checked_headers(incoming: Incoming, scheme: _Scheme, key: str) -> str:
    if key != CREDENTIALS["cdnetworks"].login or incoming.headers.get(scheme.key_header) != key:
        raise AuthenticationFailed(f"unknown access key, or {scheme.key_header} is not the credential's")
    # The new edition has two kinds of authentication, AK/SK and API key, and the header says which.
    if scheme.algorithm.startswith("CNC") and incoming.headers.get("x-cnc-auth-method") != "AKSK":
        raise AuthenticationFailed("x-cnc-auth-method must be AKSK")
    timestamp = incoming.headers.get(scheme.timestamp_header, "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > WINDOW:
        raise AuthenticationFailed(f"{scheme.timestamp_header} must be Unix seconds, at most five minutes off")
    return timestamp


def _canonical(incoming: Incoming, *, lowers_values: bool) -> CanonicalRequest:
    content_type, host = incoming.headers.get("content-type", ""), incoming.headers.get("host", "")
    if lowers_values:
        content_type, host = content_type.lower(), host.lower()
    is_get = incoming.method == "GET"
    return CanonicalRequest(
        method=incoming.method,
        path=incoming.path,
        # For GET, as the vendor's SDK signs it: the decoded query in the order sent, over an empty body.
        query=unquote(incoming.raw_query) if is_get else "",
        content_type=content_type,
        host=host,
        body=b"" if is_get else incoming.body,
    )
