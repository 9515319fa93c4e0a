# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.support.real_airflow import DATABASE, airflow_database


def test_a_postgresql_of_the_tests_own_is_there_until_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE, "postgresql")
    with airflow_database() as environment:
        engine = sa.create_engine(environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"], poolclass=sa.NullPool)
        with engine.connect() as connection:
            assert "PostgreSQL" in connection.execute(sa.text("SELECT version()")).scalar_one()
    with pytest.raises(sa.exc.OperationalError):
        engine.connect()


def test_sqlite_is_airflows_own_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATABASE, raising=False)
    with airflow_database() as environment:
        assert environment == {}


def test_another_database_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE, "mysql")
    with pytest.raises(ValueError, match=f"{DATABASE}: must be sqlite or postgresql, not 'mysql'"), airflow_database():
        pass
