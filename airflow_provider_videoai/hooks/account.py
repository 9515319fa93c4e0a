# SPDX-License-Identifier: Apache-2.0
"""Read a vendor account from an Airflow connection: an error names the field, its value and the rule that it breaks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from airflow_provider_videoai.jobs.values.printable import shown
from airflow_provider_videoai.registry import VENDORS

__all__ = ["account_of"]

_UNTYPED = frozenset({"", "generic"})
"""Connection types that say nothing about whose account it is."""
_FIELDS = ("conn_type", "host", "port", "schema", "login", "password", "extra")
_NETLOC = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]*)(?::(.*))?")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LONGEST_HOST, _LONGEST_NAME = 2000, 253
_HIGHEST_PORT, _LONGEST_PORT = 65535, 10
_UNLIKELY = 10**40  # no login is a number of so many digits


def account_of(connection: Any, vendor: type[Vendor], conn_type: str) -> Account:
    """Make the account of an Airflow connection.

    :param connection: Airflow's connection; everything in it may be anything.
    :param vendor: the vendor whose account it is.
    :param conn_type: the connection type of the vendor's hook.
    :raises InvalidRequest: for a field that breaks a rule. It names the connection, the field and the rule, and shows
        no secret.
    """
    where = f"connection {connection.conn_id!r}"
    fields = _fields_of(connection, where)
    _check_uri(fields, conn_type, where)
    _check_type(fields["conn_type"], conn_type, vendor.title, where)
    options = vendor.options.read(_extra(fields["extra"], conn_type, where), where)
    return Account(
        conn_id=connection.conn_id,
        host=_base_url(fields, vendor.default_host, where),
        login=_credential(fields["login"], "login", where),
        password=_credential(fields["password"], "password", where),
        options=options,
    )


def _fields_of(connection: Any, where: str) -> dict[str, Any]:
    try:
        # Read at once: Airflow decrypts password and extra only when they are read, and that may fail.
        return {name: getattr(connection, name) for name in _FIELDS}
    except Exception as failure:  # noqa: BLE001 - Airflow decrypts here, and its error may quote the login
        why = type(failure).__name__
        raise InvalidRequest(f"{where}: Airflow cannot read its fields ({why}); nothing was sent") from None


def _check_uri(fields: Mapping[str, Any], conn_type: str, where: str) -> None:
    """Refuse what is left of a URI with an underscore in its scheme, which RFC 3986 does not allow.

    Airflow takes such a URI for one without a scheme: type, login and password are empty, all of it is the schema.
    """
    if not fields["conn_type"] and not fields["login"] and "//" in str(fields["schema"] or ""):
        scheme = conn_type.replace("_", "-")
        raise InvalidRequest(
            f"{where}: Airflow cannot read its URI: a URI's scheme has no underscore. Begin it with {scheme}://, or "
            "write the connection as JSON; nothing was sent"
        )


def _check_type(given: object, wanted: str, title: str, where: str) -> None:
    """Refuse the connection of another service: its secrets would be sent to this vendor."""
    found = str(given or "").strip().lower().replace("-", "_")
    if found == wanted or found in _UNTYPED:
        return
    whose = "another vendor's account" if found in VENDORS else "not an account of this vendor"
    raise InvalidRequest(
        f"{where}: its type is {shown(found)}, {whose}; {title} needs one of type {wanted!r}. Nothing was sent"
    )


def _extra(extra: object, conn_type: str, where: str) -> dict[str, Any]:
    """Read the extra, under the names that old forms of Airflow gave its fields, too."""
    if isinstance(extra, str):
        try:
            extra = json.loads(extra or "null")
        except (ValueError, RecursionError):
            raise InvalidRequest(f"{where}: extra must be a JSON object, and is not JSON; nothing was sent") from None
    if extra is None:
        return {}
    if not isinstance(extra, Mapping):
        raise InvalidRequest(f"{where}: extra must be a JSON object; nothing was sent")
    return {str(name).removeprefix(f"extra__{conn_type}__"): value for name, value in extra.items()}


def _credential(value: object, field: str, where: str) -> str:
    # A login such as a user id is a number if the connection was written as JSON.
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _UNLIKELY:
        return str(value)
    if value is not None and not isinstance(value, str):
        raise InvalidRequest(f"{where}: {field} must be a string; nothing was sent")
    return (value or "").strip()


# -- host and port ------------------------------------------------------------------------------------------


def _base_url(fields: Mapping[str, Any], default: str, where: str) -> str:
    given, port = fields["host"] or "", _port(fields["port"], f"{where}: port")
    if not isinstance(given, str):
        raise InvalidRequest(f"{where}: host must be a string; nothing was sent")
    given = given.strip()
    if not given:
        return default
    try:
        return _url(given, fields["schema"], port)
    except ValueError as wrong:
        raise InvalidRequest(f"{where}: host {wrong}{_shown(given)}; nothing was sent") from None


def _url(given: str, schema: object, port: int | None) -> str:
    """Return the base URL; raise ``ValueError`` with the rule that the host breaks."""
    if len(given) > _LONGEST_HOST or not given.isprintable() or any(map(str.isspace, given)) or "\\" in given:
        raise ValueError(f"{_NO_ADDRESS} of at most {_LONGEST_HOST} characters, without spaces or control characters")
    if "://" not in given:
        given = f"{schema if schema in ('http', 'https') else 'https'}://{given}"
    try:
        address = urlsplit(given)
    except ValueError:
        raise ValueError(_NO_ADDRESS) from None
    if address.scheme not in ("http", "https"):
        raise ValueError(_NO_ADDRESS)
    if "@" in address.netloc:
        raise ValueError(f"{_NO_ADDRESS} without a user in it: use the fields login and password")
    if "?" in given or "#" in given:
        raise ValueError(f"{_NO_ADDRESS} without a query or a fragment")
    parts = _NETLOC.fullmatch(address.netloc)
    if parts is None:
        raise ValueError(_NO_ADDRESS)
    _check_name(parts[1])
    own_port = _port(parts[2], "must be a host name or an http(s):// URL whose port") or port
    return f"{address.scheme}://{parts[1]}{f':{own_port}' if own_port else ''}{address.path.rstrip('/')}"


_NO_ADDRESS = "must be a host name or an http(s):// URL"


def _check_name(host: str) -> None:
    """Raise ``ValueError`` unless this is an IP address in brackets, or a name that name servers can be sent."""
    try:
        if host.startswith("["):
            ip_address(host[1:-1])
            return
        name = httpx.URL(f"http://{host}").raw_host.decode("ascii")
    except (ValueError, httpx.InvalidURL):
        raise ValueError(_NO_ADDRESS) from None
    labels = name.removesuffix(".").split(".")
    if len(name) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError(f"{_NO_ADDRESS} (a part of the name is empty, too long or has an odd character)")


def _port(value: object, where: str) -> int | None:
    """Read a port; raise :class:`InvalidRequest`, a ``ValueError``, for one that cannot be."""
    if value in (None, "", 0) and value is not False:
        return None
    number = value if isinstance(value, int) and not isinstance(value, bool) else 0
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(_HIGHEST_PORT)):
        number = int(value)
    if not 0 < number <= _HIGHEST_PORT:
        # A long value is no mistyped port: it may be another field's secret.
        length = len(value) if isinstance(value, str) else 0
        given = f"a string of {length} characters" if length > _LONGEST_PORT else shown(value)
        raise InvalidRequest(f"{where} must be a number from 1 to {_HIGHEST_PORT}, not {given}")
    return number


def _shown(host: str) -> str:
    # A user, a query or pasted JSON may hold a secret.
    return "" if set('@?#="{') & set(host) else f", not {shown(host)}"
