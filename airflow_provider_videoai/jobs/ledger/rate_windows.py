# SPDX-License-Identifier: Apache-2.0
"""Read and write the places of an API's rate limit, within a transaction that holds the account's lock."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from airflow_provider_videoai.jobs.ledger.tables import RATE_WINDOWS
from airflow_provider_videoai.jobs.ledger.window import Place

__all__ = ["keep", "read", "set_back"]

_COLUMNS = RATE_WINDOWS.c


def read(connection: sa.Connection, account: str, api: str) -> list[Place] | None:
    """Return the places that are taken, ``None`` if there never were any.

    :param connection: amid a transaction.
    :param account: the account.
    :param api: the vendor's name of the API.
    """
    mine = sa.and_(_COLUMNS.account == account, _COLUMNS.api == api)
    stored = connection.scalar(sa.select(_COLUMNS.places).where(mine))
    return None if stored is None else _places(stored)


def keep(connection: sa.Connection, account: str, api: str, places: Sequence[Place], *, new: bool) -> None:
    """Write the places that are taken.

    :param connection: amid a transaction.
    :param account: the account.
    :param api: the vendor's name of the API.
    :param places: all that count.
    :param new: whether there never were any.
    """
    text = json.dumps([[round(place.start, 3), round(place.end, 3), place.holder] for place in places])
    if new:
        connection.execute(sa.insert(RATE_WINDOWS).values(account=account, api=api, places=text))
        return
    mine = sa.and_(_COLUMNS.account == account, _COLUMNS.api == api)
    connection.execute(sa.update(RATE_WINDOWS).where(mine).values(places=text))


def set_back(connection: sa.Connection, account: str, seconds: float) -> None:
    """Make all places of the account earlier, as the database's clock was set back.

    :param connection: amid a transaction.
    :param account: the account.
    :param seconds: by how much.
    """
    stored = sa.select(_COLUMNS.api, _COLUMNS.places).where(_COLUMNS.account == account)
    for api, text in connection.execute(stored).all():
        moved = [Place(place.start - seconds, place.end - seconds, place.holder) for place in _places(text)]
        keep(connection, account, api, moved, new=False)


def _places(stored: Any) -> list[Place]:
    # Others may have written anything.
    try:
        return [Place(float(start), float(end), str(holder)) for start, end, holder in json.loads(stored)]
    except (ValueError, TypeError, OverflowError, RecursionError):
        return []
