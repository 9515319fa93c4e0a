# SPDX-License-Identifier: Apache-2.0
"""Name an account such that all processes name it alike, and that nobody reads a secret in it."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

from airflow_provider_videoai.jobs.protocol.vendor import Vendor

__all__ = ["account_key", "account_key_of"]

_USUAL_PORTS = {"http": ":80", "https": ":443"}


def account_key(vendor: str, host: str, login: str) -> str:
    """Return the key of an account: 64 hex digits.

    The connection's id is not in it, for two connections may be one account; nor is the password, which is rotated.

    :param vendor: the vendor's key.
    :param host: the base URL.
    :param login: a vendor may take it for a secret: it is only hashed.
    """
    parts = "\n".join((vendor, _spelt_alike(host), login))
    return hashlib.sha256(parts.encode("utf-8", "backslashreplace")).hexdigest()


def _spelt_alike(host: str) -> str:
    # Two connections may spell one host differently: in capitals, with a slash at the end, or with the usual port.
    url = urlsplit(host.rstrip("/").lower())
    return url._replace(netloc=url.netloc.removesuffix(_USUAL_PORTS.get(url.scheme, ""))).geturl()


def account_key_of(vendor: Vendor) -> str:
    """Return the key of a vendor's account.

    :param vendor: with its account.
    """
    return account_key(vendor.key, vendor.account.host, vendor.account.login)
