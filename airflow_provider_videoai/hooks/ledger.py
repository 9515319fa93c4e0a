# SPDX-License-Identifier: Apache-2.0
"""Find this deployment's ledger: in the database of ``[videoai] ledger_conn_id``, else in a file below AIRFLOW_HOME."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from airflow.configuration import AIRFLOW_HOME, conf
from airflow.sdk import BaseHook

from airflow_provider_videoai.hooks.connection_lookup import connection_lookup
from airflow_provider_videoai.hooks.ledger_url import url_of
from airflow_provider_videoai.jobs.errors import InvalidRequest, VideoAIError

if TYPE_CHECKING:  # it loads SQLAlchemy, which no DAG file needs
    from sqlalchemy import URL

    from airflow_provider_videoai.jobs.ledger.ledger import Ledger

__all__ = ["aledger", "ledger"]

log = logging.getLogger(__name__)

_FRESH = 300.0
"""Seconds for which one lookup of the ledger's connection serves this process."""
_RETRY = 60.0
"""Seconds after which a lookup that failed is repeated: each task would otherwise query a backend that is away."""
_lock = Lock()
_found: tuple[float, Ledger] | None = None
"""Until when (monotonic seconds) the last lookup serves, and this process's ledger. It is one object, whatever is
found: rate limits and pollers hold on to it for as long as there are tasks that wait."""


def ledger() -> Ledger:
    """Return the ledger. If its connection cannot be read or is of no use, the last one found, else one that fails.

    It blocks while it looks the connection up.
    """
    if (found := _fresh()) is not None:
        return found
    conn_id = _conn_id()
    try:
        if not conn_id:
            return _keep(_embedded())
        with connection_lookup(conn_id):
            connection = BaseHook.get_connection(conn_id)
        return _keep(url_of(connection))
    except VideoAIError as failure:
        return _do_without(failure)


async def aledger() -> Ledger:
    """Return the ledger; see :func:`ledger`. The lookup does not block the event loop."""
    if (found := _fresh()) is not None:
        return found
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
        return await asyncio.to_thread(_do_without, failure)


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


def _fresh() -> Ledger | None:
    return _found[1] if _found is not None and time.monotonic() < _found[0] else None


def _keep(url: URL) -> Ledger:
    with _lock:
        kept = _mine(_FRESH)
        kept.move_to(url)
        return kept


def _do_without(failure: VideoAIError) -> Ledger:
    with _lock:
        kept = _mine(_RETRY)
        kept.unknown = failure.message
    # Those that call it report `unknown`, if there is no database from an earlier lookup.
    log.info("The ledger's connection cannot be read: %s", failure)
    return kept


def _mine(seconds: float) -> Ledger:
    """Return this process's ledger, and note for how long it is not looked up again."""
    from airflow_provider_videoai.jobs.ledger.ledger import Ledger

    global _found  # noqa: PLW0603 - one ledger per process
    kept = Ledger() if _found is None else _found[1]
    _found = (time.monotonic() + seconds, kept)
    return kept
