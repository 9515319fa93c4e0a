# SPDX-License-Identifier: Apache-2.0
"""The statements with which a person looks into the ledger do what the page says, in each database that it names."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mariadb_server
import pytest
import sqlalchemy as sa
from database import running_postgres

from airflow_provider_videoai.jobs.ledger import database as ledger_database
from airflow_provider_videoai.jobs.ledger.account_key import account_key
from airflow_provider_videoai.jobs.ledger.lease import (
    CLAIM_SECONDS,
    LEASE_SECONDS,
    RENEW_SECONDS,
    SUBMIT_SECONDS,
    LeaseRequest,
    lease_of_job,
)
from airflow_provider_videoai.jobs.ledger.ledger import Ledger
from airflow_provider_videoai.jobs.ledger.migrations import migrate
from tests.docs.conftest import Page

SECTION = "## Look into the ledger"
ACCOUNT = account_key("tencent_ivh", "https://gw.tvs.qq.com", "APPKEY")


@pytest.fixture
def section(page: Callable[[str], Page]) -> Page:
    return Page(page("operations/deployment.md").section(SECTION))


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with running_postgres() as url:
        yield url


@pytest.fixture(scope="module")
def mariadb() -> Iterator[str]:
    if absent := mariadb_server.missing():
        pytest.skip(f"{absent} is not installed: on Debian `apt-get install mariadb-server`")
    with mariadb_server.running_mariadb() as url:
        yield url


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that does much else at a time is no reason to do without the ledger here."""
    monkeypatch.setattr(ledger_database, "_SECONDS", 60.0)


@pytest.fixture(params=["PostgreSQL", "MySQL", "SQLite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """The name of a kind of database, and the URL of an empty one."""
    if request.param == "SQLite":
        return "SQLite", f"sqlite:///{tmp_path / 'ledger.db'}"
    return request.param, request.getfixturevalue({"PostgreSQL": "postgres", "MySQL": "mariadb"}[request.param])


def hashed(section: Page, number: int) -> str:
    """Return what a command of the page prints."""
    (commands,) = section.blocks("sh")
    shell = ["/bin/sh", "-c", commands.splitlines()[number]]
    return subprocess.run(shell, stdout=subprocess.PIPE, check=True, text=True).stdout.split()[0]


def test_accounts_and_jobs_are_named_as_the_page_says(section: Page) -> None:
    assert hashed(section, 0) == ACCOUNT
    assert hashed(section, 1) == lease_of_job("JOB_ID")


def test_leases_last_as_long_as_the_page_says(section: Page, cells: Callable[[str], list[list[str]]]) -> None:
    table = cells(section.text[section.text.index("| row |") :])
    lasts = [float(row[2].removesuffix(" s")) for row in table]
    assert lasts == [CLAIM_SECONDS, SUBMIT_SECONDS, LEASE_SECONDS]
    assert f"every {RENEW_SECONDS:.0f} s" in table[-1][-1]
    assert f"less than {LEASE_SECONDS - RENEW_SECONDS:.0f} s" in section.text


def test_the_statements_show_and_delete_what_the_page_says(
    section: Page, cells: Callable[[str], list[list[str]]], database: tuple[str, str]
) -> None:
    kind, url = database
    now = next(row[1] for row in cells(section.text[section.text.index("| database |") :]) if kind in row[0])
    leases, end, empty, places, backoffs, forget, go_on = (
        sa.text(statement.replace("NOW", now).replace("ACCOUNT", ACCOUNT).replace("LEASE", lease_of_job("JOB_ID")))
        for statement in section.blocks("sql")
    )
    engine = sa.create_engine(url, poolclass=sa.NullPool)

    def shown(statement: sa.TextClause) -> list[dict[str, Any]]:
        with engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def changed(statement: sa.TextClause) -> int:
        with engine.begin() as connection:
            return connection.execute(statement).rowcount

    ledger = Ledger(url)
    for task, priority in (("submits", 1), ("waits", 1), ("is first", 5)):
        ledger.lease(ACCOUNT, "*", [LeaseRequest(task, priority)], limit=1)
    ledger.submitted(ACCOUNT, "*", "other task", lease_of_job("JOB_ID"))
    ledger.reserve(ACCOUNT, "*", holder="worker", wanted=1, per_minute=6, backoff=100.0)

    assert [(row["account"], row["kind"], row["lease"]) for row in shown(leases)] == [
        (ACCOUNT, "*", name) for name in ("submits", lease_of_job("JOB_ID"), "is first", "waits")
    ]
    assert [bool(row["granted"]) for row in shown(leases)] == [True, True, False, False]
    assert [float(row["lasts"]) for row in shown(leases)] == pytest.approx(
        [SUBMIT_SECONDS, LEASE_SECONDS, CLAIM_SECONDS, CLAIM_SECONDS], abs=30
    )
    assert [float(row["age"]) for row in shown(leases)] == pytest.approx([0] * 4, abs=30)
    assert changed(end) == 1
    assert [row["lease"] for row in shown(leases)] == ["submits", "is first", "waits"]
    assert changed(empty) == 3
    assert ledger.lease(ACCOUNT, "*", [LeaseRequest("waits")], limit=1) == {"waits"}

    (window,), (backoff,) = shown(places), shown(backoffs)
    assert (window["account"], window["api"]) == (ACCOUNT, "*")
    assert "worker" in window["places"]
    assert backoff["account"] == ACCOUNT
    assert float(backoff["seconds"]) == pytest.approx(100, abs=30)
    assert (changed(forget), changed(go_on)) == (1, 1)
    assert (shown(places), shown(backoffs)) == ([], [])
    assert ledger.reserve(ACCOUNT, "*", holder="worker", wanted=1, per_minute=6).backoff == 0


@pytest.mark.parametrize("database", ["PostgreSQL", "MySQL"], indirect=True)
def test_after_what_a_roll_back_drops_the_tables_are_made_again(
    page: Callable[[str], Page], database: tuple[str, str]
) -> None:
    (drop,) = page("operations/upgrade.md").blocks("sql")
    engine = sa.create_engine(database[1], poolclass=sa.NullPool)
    with engine.connect() as connection:
        migrate(connection)
    with engine.begin() as connection:
        connection.execute(sa.text(drop))
    assert sa.inspect(engine).get_table_names() == []
    with engine.connect() as connection:
        migrate(connection)
    assert len(sa.inspect(engine).get_table_names()) == drop.count("videoai_")
