# SPDX-License-Identifier: Apache-2.0
"""Find this deployment's ledger: in the database of ``[videoai] ledger_conn_id``, else in a file below AIRFLOW_HOME."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from airflow.configuration import AIRFLOW_HOME, conf
from airflow.sdk import BaseHook

from airflow_provider_videoai.hooks.connection_lookup import connection_lookup
from airflow_provider_videoai.jobs.errors import InvalidRequest, VideoAIError

if TYPE_CHECKING:  # it loads SQLAlchemy, which no DAG file needs
    from sqlalchemy import URL

    from airflow_provider_videoai.jobs.ledger.ledger import Ledger

__all__ = ["aledger", "ledger", "url_of"]

log = logging.getLogger(__name__)

_FRESH = 300.0
"""Seconds for which one lookup of the ledger's connection serves this process."""
_DRIVERS = {
    "postgres": (("postgresql+psycopg2", "psycopg2"), ("postgresql+psycopg", "psycopg")),
    "mysql": (("mysql+mysqldb", "MySQLdb"), ("mysql+pymysql", "pymysql")),
    "sqlite": (("sqlite", "sqlite3"),),
}
_OPTIONS = frozenset(
    {"sslmode", "sslrootcert", "sslcert", "sslkey", "charset", "ssl_ca", "ssl_cert", "ssl_key", "application_name"}
)
"""What the connection's extra may say to the driver."""

_lock = Lock()
_found: tuple[float, Ledger | None] | None = None


def ledger() -> Ledger | None:
    """Return the ledger; ``None``, after a warning, if its connection cannot be read or is of no use.

    It blocks while it looks the connection up.
    """
    if (found := _known()) is not None:
        return found[1]
    conn_id = _conn_id()
    try:
        if not conn_id:
            return _keep(_embedded())
        with connection_lookup(conn_id):
            connection = BaseHook.get_connection(conn_id)
        return _keep(url_of(connection))
    except VideoAIError as failure:
        _do_without(failure)
        return None


async def aledger() -> Ledger | None:
    """Return the ledger; see :func:`ledger`. The lookup does not block the event loop."""
    if (found := _known()) is not None:
        return found[1]
    conn_id = _conn_id()
    try:
        if not conn_id:
            return await asyncio.to_thread(lambda: _keep(_embedded()))
        from airflow.providers.common.compat.connection import get_async_connection

        with connection_lookup(conn_id):
            connection = await get_async_connection(conn_id)
        # Beside the loop: the first time it imports what takes long.
        return await asyncio.to_thread(lambda: _keep(url_of(connection)))
    except VideoAIError as failure:
        _do_without(failure)
        return None


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

    kind = str(connection.conn_type or "").lower().replace("postgresql", "postgres")
    if kind not in _DRIVERS:
        raise InvalidRequest(
            f"connection {connection.conn_id!r}: the ledger needs one of type {', '.join(_DRIVERS)}, not {kind!r}"
        )
    # By find_spec: importing a driver only to see whether it is there costs time and may fail.
    driver = next((name for name, module in _DRIVERS[kind] if find_spec(module)), None)
    if driver is None:
        modules = " or ".join(module for _, module in _DRIVERS[kind])
        raise InvalidRequest(f"connection {connection.conn_id!r}: the ledger needs the driver {modules} installed")
    if kind == "sqlite":
        return URL.create(driver, database=connection.host or connection.schema)
    return URL.create(
        driver,
        username=connection.login,
        password=connection.password,
        host=connection.host,
        port=connection.port,
        database=connection.schema,
        query=_options(kind, connection.extra_dejson),
    )


def _options(kind: str, extra: Mapping[str, Any]) -> dict[str, str]:
    """Return what the driver is to know of a connection's extra."""
    given = dict(extra)
    if kind == "mysql" and (files := given.pop("ssl", None)):
        # As Airflow's MySqlHook reads it: an object with the keys ca, cert and key, or its text.
        files = json.loads(files) if isinstance(files, str) else files
        given |= {f"ssl_{name}": path for name, path in files.items()}
    # An allow-list: Airflow's extra also holds options of its own hooks, which a driver refuses.
    return {name: str(value) for name, value in given.items() if name in _OPTIONS}


def _conn_id() -> str:
    return str(conf.get("videoai", "ledger_conn_id", fallback="") or "").strip()


def _embedded() -> URL:
    from sqlalchemy.engine import URL

    folder = Path(AIRFLOW_HOME) / "videoai"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise InvalidRequest(
            f"the ledger's folder below AIRFLOW_HOME cannot be made ({type(failure).__name__})"
        ) from None
    # Shared by the processes of one machine; several machines need a server, by [videoai] ledger_conn_id.
    return URL.create("sqlite", database=str(folder / "ledger.db"))


def _known() -> tuple[float, Ledger | None] | None:
    return _found if _found is not None and time.monotonic() - _found[0] < _FRESH else None


def _keep(url: URL) -> Ledger:
    """Make the ledger of a database, or keep the one at hand: rate limits hold on to it."""
    from airflow_provider_videoai.jobs.ledger.ledger import Ledger

    global _found  # noqa: PLW0603 - one ledger per process
    with _lock:
        kept = _found[1] if _found is not None else None
        if kept is None or not kept.is_at(url):
            kept = Ledger(url)
        _found = (time.monotonic(), kept)
        return kept


def _do_without(failure: VideoAIError) -> None:
    global _found  # noqa: PLW0603 - one ledger per process
    with _lock:
        # Remembered too: each task would otherwise query a backend that does not answer.
        _found = (time.monotonic(), None)
    log.warning("Rate limits are not shared with other processes: %s. Each process keeps to them by itself.", failure)
