# SPDX-License-Identifier: Apache-2.0
"""An empty ledger's database, of each kind that can be had here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import mariadb_server
import pgbouncer_server
import pytest
import sqlalchemy as sa
from database import running_postgres

from airflow_provider_videoai.jobs.ledger import database


@pytest.fixture(scope="package")
def postgres() -> Iterator[str]:
    with running_postgres() as url:
        yield url


@pytest.fixture(scope="package")
def mariadb() -> Iterator[str]:
    if absent := mariadb_server.missing():
        pytest.skip(f"{absent} is not installed: on Debian `apt-get install mariadb-server`")
    with mariadb_server.running_mariadb() as url:
        yield url


@pytest.fixture(scope="package")
def pgbouncer() -> Iterator[str]:
    if absent := pgbouncer_server.missing():
        pytest.skip(f"{absent} is not installed: on Debian `apt-get install pgbouncer`")
    with pgbouncer_server.running_pgbouncer() as url:
        yield url


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that does much else at a time is no reason to do without the ledger here."""
    monkeypatch.setattr(database, "_SECONDS", 60.0)


@pytest.fixture(params=["sqlite", "postgres", "pgbouncer", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.db'}"
        return
    server: str = request.getfixturevalue(request.param)
    yield server
    engine = sa.create_engine(server, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for table in sa.inspect(connection).get_table_names():
            connection.execute(sa.text(f"DROP TABLE {table}"))
