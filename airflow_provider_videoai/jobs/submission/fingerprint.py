# SPDX-License-Identifier: Apache-2.0
"""Recognise a request that was submitted before, without keeping it: a submission record holds its fingerprint only.

A signed URL changes with every signing although it names the same file, so its signature does not count: otherwise
clearing a chain of tasks would buy every job of it again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.values.scrub import clean

__all__ = ["fingerprint_of"]


class _Scheme(NamedTuple):
    """A way to sign URLs.

    :param mark: the parameter by which it is recognised.
    :param names: the parameters that change with each signing.
    :param prefix: how such parameters begin.
    """

    # By mark, not by name alone: "expires" or "st" may be an ordinary parameter of a URL that is not signed, and then
    # two values are two files.
    mark: str
    names: frozenset[str] = frozenset()
    prefix: str | None = None

    def signs(self, name: str) -> bool:
        return name in self.names or (self.prefix is not None and name.startswith(self.prefix))


_SCHEMES = (
    _Scheme("x-amz-signature", prefix="x-amz-"),
    _Scheme("x-goog-signature", prefix="x-goog-"),
    _Scheme("x-oss-signature", prefix="x-oss-"),
    _Scheme("q-signature", prefix="q-"),  # Tencent COS
    _Scheme("wssecret", frozenset(["wssecret", "wstime"])),  # CDNetworks, "Timestamp anti-hotlinking"
    _Scheme("auth_key", frozenset(["auth_key"])),  # Alibaba CDN "Type A", CDNetworks "Mode E"
    _Scheme(
        "signature",  # Alibaba OSS, older S3, CloudFront
        frozenset(
            ("signature", "expires", "policy", "key-pair-id", "security-token", "ossaccesskeyid", "awsaccesskeyid")
        ),
    ),
    _Scheme(
        "sig",
        frozenset(
            ["sig", "se", "sp", "sv", "sr", "st", "spr", "sip", "si", "skoid", "sktid", "skt", "ske", "sks", "skv"]
        ),
    ),  # Azure
)


def fingerprint_of(vendor: str, conn_id: str, operation: str, request: Mapping[str, Any]) -> str:
    """Return a short text for vendor, account and request that holds none of them.

    Equal requests have equal fingerprints in every version of this package: another one means another job to buy.

    :param vendor: the vendor's key.
    :param conn_id: the Airflow connection of the account.
    :param operation: what is requested.
    :param request: the fields that are sent.
    :returns: 32 hex digits.
    :raises InvalidRequest: for values that JSON cannot express.
    """
    # The form of this JSON must not change: jobs in flight were recorded under it, and would be bought again.
    try:
        # sort_keys: a template or an XCom may give the same fields in another order.
        content = json.dumps(
            [vendor, conn_id, operation, _unsigned(request)], sort_keys=True, ensure_ascii=False, default=_as_text
        )
    except (TypeError, ValueError, RecursionError) as failure:
        why = f"{type(failure).__name__}: {clean(failure)}"
        raise InvalidRequest(
            f"{operation} request cannot be written as JSON ({why}); nothing was sent, nothing was bought"
        ) from failure
    # A lone surrogate has a fingerprint as well: the request's own validation refuses it, with a better text.
    return hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()[:32]


def _as_text(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return bytes(value).hex()
    raise TypeError(f"a {type(value).__name__} has no place in JSON")


def _unsigned(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _unsigned(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_unsigned(inner) for inner in value]
    if isinstance(value, str) and value.lower().startswith(("http://", "https://")) and "?" in value:
        return _unsigned_url(value)
    return value


def _unsigned_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        # Bytes that are not UTF-8 stay distinct: replaced by one character, different files would look the same.
        query = parse_qsl(parts.query, keep_blank_values=True, errors="surrogateescape")
        given = {name.lower() for name, _ in query}
        schemes = [scheme for scheme in _SCHEMES if scheme.mark in given]
        kept = [(name, value) for name, value in query if not any(scheme.signs(name.lower()) for scheme in schemes)]
        return urlunsplit(parts._replace(query=urlencode(kept, errors="surrogateescape")))
    except ValueError:  # no URL after all, or of characters that none may have: every one of them counts
        return url
