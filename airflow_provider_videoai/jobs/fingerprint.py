# SPDX-License-Identifier: Apache-2.0
"""Tell whether a request is still the same, without keeping it.

A signed URL changes with every signing although it names the same file, so its signature does not count: otherwise
clearing a chain of tasks would buy every job of it again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit


class _Scheme(NamedTuple):
    """A way to sign URLs: the parameter that gives it away, and all that change with each signing."""

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
    """Fold vendor, account and request into a short text that holds none of them."""
    content = json.dumps([vendor, conn_id, operation, _unsigned(request)], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _unsigned(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _unsigned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_unsigned(inner) for inner in value]
    if isinstance(value, str) and value.lower().startswith(("http://", "https://")) and "?" in value:
        return _unsigned_url(value)
    return value


def _unsigned_url(url: str) -> str:
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    given = {name.lower() for name, _ in query}
    schemes = [scheme for scheme in _SCHEMES if scheme.mark in given]
    kept = [(name, value) for name, value in query if not any(scheme.signs(name.lower()) for scheme in schemes)]
    return urlunsplit(parts._replace(query=urlencode(kept)))
