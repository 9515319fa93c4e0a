# SPDX-License-Identifier: Apache-2.0
"""Read a vendor account from an Airflow connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.vendor import DEFAULT_TIMEOUT, Account, Vendor
from airflow_provider_videoai.jobs.watch import TOLERANCE


class ConnectionFields(Protocol):
    """The fields of an Airflow connection that are read here."""

    conn_id: str
    host: str | None
    port: int | None
    schema: str | None
    login: str | None
    password: str | None


def account_of(connection: ConnectionFields, extra: Mapping[str, Any], vendor: type[Vendor]) -> Account:
    """Make the account; raise :class:`InvalidRequest` naming the connection and the field that breaks a rule."""
    conn_id = connection.conn_id
    options = dict(extra)
    limit = _positive(conn_id, options.pop("max_requests_per_minute", None), "max_requests_per_minute")
    timeout = _positive(conn_id, options.pop("timeout", None), "timeout")
    tolerance = _positive(conn_id, options.pop("outage_tolerance", None), "outage_tolerance")
    private = _flag(conn_id, options.pop("allow_private_addresses", None), "allow_private_addresses")
    return Account(
        conn_id=conn_id,
        host=_base_url(connection, vendor.default_host),
        login=(connection.login or "").strip(),
        password=(connection.password or "").strip(),
        max_requests_per_minute=limit,
        timeout=timeout or DEFAULT_TIMEOUT,
        outage_tolerance=tolerance or TOLERANCE,
        allow_private_addresses=private,
        options=options,
    )


def _base_url(connection: ConnectionFields, default: str) -> str:
    given = (connection.host or "").strip()
    if not given:
        return default
    if "://" not in given:
        scheme = connection.schema if connection.schema in ("http", "https") else "https"
        given = f"{scheme}://{given}"
    try:
        address = urlsplit(given)
        port = address.port
    except ValueError:
        address, port = urlsplit(""), None
    if address.scheme not in ("http", "https") or not address.hostname or "@" in address.netloc:
        raise InvalidRequest(f"connection {connection.conn_id!r}: host must be a host name or an http(s):// URL")
    place = f"{address.netloc}:{connection.port}" if connection.port and port is None else address.netloc
    return f"{address.scheme}://{place}{address.path.rstrip('/')}"


def _positive(conn_id: str, value: Any, name: str) -> float | None:
    if value in (None, ""):
        return None
    try:
        number = 0.0 if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = 0.0
    if not 0 < number < float("inf"):
        raise InvalidRequest(f"connection {conn_id!r}: extra {name!r} must be a number greater than 0")
    return number


def _flag(conn_id: str, value: Any, name: str) -> bool:
    known = {"": False, "none": False, "false": False, "true": True}
    if (word := str(value).strip().lower()) not in known:
        raise InvalidRequest(f"connection {conn_id!r}: extra {name!r} must be true or false")
    return known[word]
