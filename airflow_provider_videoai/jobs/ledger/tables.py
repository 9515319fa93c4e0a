# SPDX-License-Identifier: Apache-2.0
"""The ledger's tables, as the latest migration leaves them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

__all__ = ["ACCOUNTS", "LEASES", "METADATA", "RATE_WINDOWS"]

METADATA = sa.MetaData()

_ACCOUNT = sa.String(64)
# MySQL's TEXT ends at 64 kB, which a high limit's places exceed.
_LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql")

ACCOUNTS = sa.Table(
    "videoai_accounts",
    METADATA,
    sa.Column("account", _ACCOUNT, primary_key=True),
    sa.Column("backoff_until", sa.Float(53), nullable=False),
    sa.Column("seen_at", sa.Float(53)),
)
"""One row per account: the lock under which all else of it is changed, until when (epoch seconds) it backs off, and the
database's time of the last call, which shows that its clock was set back."""

RATE_WINDOWS = sa.Table(
    "videoai_rate_windows",
    METADATA,
    sa.Column("account", _ACCOUNT, primary_key=True),
    sa.Column("api", sa.String(100), primary_key=True),
    sa.Column("places", _LONG_TEXT, nullable=False),
)
"""The places that count in an API's limit, as JSON: ``[[start, end, holder], ...]``."""

LEASES = sa.Table(
    "videoai_leases",
    METADATA,
    sa.Column("account", _ACCOUNT, primary_key=True),
    sa.Column("lease", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(100), nullable=False),
    sa.Column("granted", sa.Boolean, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("since", sa.Float(53), nullable=False),
    sa.Column("expires", sa.Float(53), nullable=False),
)
"""The jobs in flight, and the tasks that wait to submit one: a row each, see :mod:`.lease`. ``kind`` is what one limit
holds for."""
