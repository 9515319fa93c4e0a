# SPDX-License-Identifier: Apache-2.0
"""Make the ledger's database URL of an Airflow connection: for the driver that is installed, with its TLS options.

An option that concerns TLS is passed on or refused, never left out: a login must not travel in clear text because this
package does not know a word.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.values.printable import shown

if TYPE_CHECKING:  # it loads SQLAlchemy, which no DAG file needs
    from sqlalchemy import URL

__all__ = ["url_of"]

_DRIVERS = {
    "postgres": (("postgresql+psycopg2", "psycopg2"), ("postgresql+psycopg", "psycopg")),
    "mysql": (("mysql+mysqldb", "MySQLdb"), ("mysql+pymysql", "pymysql")),
    "sqlite": (("sqlite", "sqlite3"),),
}
_PYMYSQL = "mysql+pymysql"
_MYSQL_TLS = frozenset({"ssl_ca", "ssl_cert", "ssl_key", "ssl_capath", "ssl_cipher", "ssl_check_hostname"})
_OPTIONS = {
    # libpq's own, by its documentation: TLS, the server to choose, the connection's health, a search path.
    "postgres": frozenset(
        {
            *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl", "sslcrldir", "sslsni"),
            *("sslcertmode", "sslnegotiation", "ssl_min_protocol_version", "ssl_max_protocol_version"),
            *("channel_binding", "require_auth", "gssencmode", "krbsrvname", "application_name", "options"),
            *("target_session_attrs", "load_balance_hosts", "tcp_user_timeout"),
            *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
        }
    ),
    "mysql": _MYSQL_TLS | {"ssl_mode", "charset", "unix_socket"},
}
"""What the connection's extra may say to the driver."""
_SSL_MODES = ("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")


def url_of(connection: Any) -> URL:
    """Return the database of an Airflow connection, as SQLAlchemy names it.

    :param connection: of type ``postgres``, ``mysql`` or ``sqlite``.
    :raises InvalidRequest: if it is of another type, if no driver for it is installed, or if a field makes no URL.
    """
    try:
        return _url_of(connection)
    except InvalidRequest:
        raise
    except Exception as failure:  # noqa: BLE001 - Airflow decrypts and parses here, and its error may quote a secret
        why = type(failure).__name__
        raise InvalidRequest(f"connection {connection.conn_id!r}: its fields name no database ({why})") from None


def _url_of(connection: Any) -> URL:
    from sqlalchemy.engine import URL

    where = f"connection {connection.conn_id!r}"
    kind = str(connection.conn_type or "").lower().replace("postgresql", "postgres")
    if kind not in _DRIVERS:
        raise InvalidRequest(f"{where}: the ledger needs one of type {', '.join(_DRIVERS)}, not {shown(kind)}")
    # By find_spec: importing a driver only to see whether it is there costs time and may fail.
    driver = next((name for name, module in _DRIVERS[kind] if find_spec(module)), None)
    if driver is None:
        modules = " or ".join(module for _, module in _DRIVERS[kind])
        raise InvalidRequest(f"{where}: the ledger needs the driver {modules} installed")
    if kind == "sqlite":
        return URL.create(driver, database=_file(connection.host or connection.schema, where))
    return URL.create(
        driver,
        username=connection.login,
        password=connection.password,
        host=connection.host,
        port=connection.port,
        database=connection.schema,
        query=_options(kind, driver, connection.extra_dejson, where),
    )


def _file(path: str | None, where: str) -> str:
    # Without a file each call would have an empty database of its own; a relative one is another in each process.
    if not path or not Path(path).is_absolute():
        raise InvalidRequest(f"{where}: host must be the absolute path of the ledger's SQLite file")
    return path


def _options(kind: str, driver: str, extra: Mapping[str, Any], where: str) -> dict[str, str]:
    """Return what the driver is to know of a connection's extra."""
    given = dict(extra)
    if kind == "mysql" and (files := given.pop("ssl", None)):
        # As Airflow's MySqlHook reads it: an object with the keys ca, cert and key, or its text.
        files = json.loads(files) if isinstance(files, str) else files
        given |= {f"ssl_{name}": value for name, value in files.items()}
    # An allow-list: Airflow's extra also holds options of its own hooks, which a driver refuses.
    known = _OPTIONS[kind]
    for name, value in given.items():
        if name not in known and name.lower().startswith(("ssl", "tls")) and value not in (None, "", {}):
            raise InvalidRequest(
                f"{where}: extra has no option {shown(name)} for the ledger; those for TLS are "
                f"{', '.join(sorted(each for each in known if each.startswith('ssl')))}"
            )
    options = {name: str(value) for name, value in given.items() if name in known and value not in (None, "")}
    if "ssl_mode" in options:
        options |= _mode(options.pop("ssl_mode").strip().upper(), driver, options, where)
    return options


def _mode(mode: str, driver: str, options: Mapping[str, str], where: str) -> dict[str, str]:
    """Return ``ssl_mode`` as the driver takes it."""
    if mode not in _SSL_MODES:
        raise InvalidRequest(f"{where}: extra 'ssl_mode' must be {', '.join(_SSL_MODES)}, not {shown(mode)}")
    if driver != _PYMYSQL:
        return {"ssl_mode": mode}
    if mode == "DISABLED":
        return {"ssl_disabled": "true"}
    if mode.startswith("VERIFY") and not {"ssl_ca", "ssl_capath"} & options.keys():
        raise InvalidRequest(f"{where}: extra 'ssl_mode' {mode} needs 'ssl_ca' with PyMySQL, which verifies no other")
    # PyMySQL has no such option. Any TLS option makes it require TLS; it verifies by a CA that is given.
    return {} if mode == "PREFERRED" else {"ssl_check_hostname": "true" if mode == "VERIFY_IDENTITY" else "false"}
