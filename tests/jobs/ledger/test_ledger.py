# SPDX-License-Identifier: Apache-2.0
"""The ledger's database: one limit for all processes, and nothing worse than their own one if it fails."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from airflow_provider_videoai.jobs.ledger import account_lock, migrations
from airflow_provider_videoai.jobs.ledger import database as under_test
from airflow_provider_videoai.jobs.ledger.account_key import account_key
from airflow_provider_videoai.jobs.ledger.database import Database
from airflow_provider_videoai.jobs.ledger.database import now as database_time
from airflow_provider_videoai.jobs.ledger.lease import SUBMIT_SECONDS, LeaseRequest
from airflow_provider_videoai.jobs.ledger.ledger import Ledger
from airflow_provider_videoai.jobs.ledger.migrations import VERSION
from airflow_provider_videoai.jobs.ledger.reserved import LedgerError
from airflow_provider_videoai.jobs.ledger.tables import ACCOUNTS, RATE_WINDOWS

ACCOUNT = account_key("lab", "http://lab.test", "me")


def places(ledger: Ledger, *, holder: str = "a", wanted: int = 1, limit: float = 6, api: str = "*") -> list[float]:
    reserved = ledger.reserve(ACCOUNT, api, holder=holder, wanted=wanted, per_minute=limit)
    return [round(start) for start, _ in reserved.places]


def test_two_processes_share_one_limit(url: str) -> None:
    first, second = Ledger(url), Ledger(url)
    taken = [places(first) if number % 2 else places(second, holder="b") for number in range(6)]
    assert taken == [[0]] * 6
    (wait,) = places(first)[:1]
    assert 55 < wait < 70


def test_each_api_and_each_account_has_a_window_of_its_own(url: str) -> None:
    ledger = Ledger(url)
    assert places(ledger, limit=1) == [0]
    assert places(ledger, limit=1, api="look") == [0]
    other = account_key("lab", "http://lab.test", "you")
    assert [round(start) for start, _ in ledger.reserve(other, "*", holder="a", wanted=1, per_minute=1).places] == [0]
    assert places(ledger, limit=1) != [0]


def test_a_backoff_reaches_every_process_and_a_shorter_one_does_not_cut_it(url: str) -> None:
    def backoff(**given: Any) -> float:
        return Ledger(url).reserve(ACCOUNT, "*", holder="a", wanted=1, per_minute=None, **given).backoff

    assert backoff() == 0
    assert backoff(backoff=100.0) == pytest.approx(100, abs=2)
    assert backoff() == pytest.approx(100, abs=5)
    assert backoff(backoff=5.0) == pytest.approx(100, abs=5)


def test_processes_that_come_at_once_to_an_empty_database_all_get_their_places(url: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: places(Ledger(url), holder=str(number), limit=8), range(16)))
    assert sum(len(each) for each in found) == 16
    assert sum(each == [0] for each in found) == 8


PROCESS = """
import sys, json
from airflow_provider_videoai.jobs.ledger.ledger import Ledger
ledger = Ledger(sys.argv[1])
given = []
for _ in range(10):
    given += ledger.reserve(sys.argv[2], "*", holder=sys.argv[3], wanted=1, per_minute=20).places
print(json.dumps(sum(start < 1 for start, _ in given)))
"""


def test_the_limit_holds_over_real_processes(url: str) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", PROCESS, url, ACCOUNT, name], stdout=subprocess.PIPE, text=True)
        for name in "abcd"
    ]
    assert sum(int(process.communicate(timeout=60)[0]) for process in processes) == 20


# -- what may be in the database -------------------------------------------------------------------------------


def test_tables_of_a_newer_version_are_left_alone(url: str) -> None:
    places(Ledger(url))
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE videoai_ledger_version SET version = :newer"), {"newer": VERSION + 1})
    with pytest.raises(LedgerError, match=f"version {VERSION + 1}, and this package knows {VERSION}"):
        places(Ledger(url))


@pytest.mark.parametrize("version", [1, 2])
def test_tables_of_an_older_version_are_brought_to_this_one(
    url: str, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(migrations, "_STEPS", migrations._STEPS[:version])
        older.setattr(migrations, "VERSION", version)
        Database(url).transaction(lambda _: None)
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        # As the older version made it, whose rows have no such column.
        connection.execute(sa.text("ALTER TABLE videoai_accounts DROP COLUMN seen_at"))
        connection.execute(sa.text("INSERT INTO videoai_accounts VALUES (:account, 0)"), {"account": ACCOUNT})
    assert places(Ledger(url)) == [0]
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
        assert connection.scalars(sa.text("SELECT version FROM videoai_ledger_version")).all() == [VERSION]


@pytest.mark.parametrize("rows", [[], [0], [-1], [1, 2], [0, VERSION]])
def test_versions_that_a_hand_left_do_not_keep_the_ledger_away_for_ever(url: str, rows: list[int]) -> None:
    places(Ledger(url))
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        connection.execute(sa.text("DELETE FROM videoai_ledger_version"))
        for row in rows:
            connection.execute(sa.text("INSERT INTO videoai_ledger_version VALUES (:row)"), {"row": row})
    assert places(Ledger(url), holder="b") == [0]


def test_no_tables_are_made_among_airflows_own(url: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for table in ("dag_run", "task_instance", "alembic_version"):
            connection.execute(sa.text(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY)"))
    with pytest.raises(LedgerError, match="Airflow's own: give the ledger a database, or a schema, of its own"):
        places(Ledger(url))
    with engine.connect() as connection:
        assert not [name for name in sa.inspect(connection).get_table_names() if name.startswith("videoai")]


# -- a database whose clock was set ----------------------------------------------------------------------------


class Wrong:
    """The database's clock, which a person sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0.0
        right = database_time
        monkeypatch.setattr(account_lock, "now", lambda connection: right(connection) + self.ahead)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Wrong:
    return Wrong(monkeypatch)


def test_a_clock_that_was_set_back_keeps_nobody_waiting_for_it_to_catch_up(url: str, clock: Wrong) -> None:
    ledger = Ledger(url)
    clock.ahead = 1800.0
    assert [places(ledger) for _ in range(6)] == [[0]] * 6
    assert places(ledger, api="look") == [0]
    ledger.reserve(ACCOUNT, "*", holder="a", wanted=1, per_minute=None, backoff=40.0)
    clock.ahead = 0.0
    reserved = ledger.reserve(ACCOUNT, "*", holder="b", wanted=1, per_minute=6)
    assert reserved.backoff == pytest.approx(40, abs=20)
    assert 40 < reserved.places[0][0] < 70, "the limit holds as it did, and no longer"
    assert places(ledger, api="look", holder="b") == [0]


def test_leases_of_a_clock_that_was_set_back_expire_as_they_would_have(url: str, clock: Wrong) -> None:
    def lease(name: str) -> set[str]:
        return Ledger(url).lease(ACCOUNT, "*", [LeaseRequest(name)], limit=1)

    clock.ahead = 1800.0
    assert lease("first") == {"first"}
    assert lease("second") == set()
    clock.ahead = 0.0
    assert lease("third") == set()
    clock.ahead = SUBMIT_SECONDS + 30.0
    assert lease("third") == {"third"}, "the first one's lease is over, and the second one's place"


def test_a_clock_that_differs_by_little_is_not_followed(url: str, clock: Wrong) -> None:
    """Nor are the servers of a cluster, each with a clock of its own."""
    ledger = Ledger(url)
    for number in range(12):
        clock.ahead = 0.5 * (number % 2)
        places(ledger, limit=6)
    assert places(ledger, limit=6)[0] > 55


NOT_UTF_8 = "CAST(X'ff' AS TEXT)"


@pytest.mark.parametrize(
    "written",
    [
        "''",
        "'{}'",
        "'[1]'",
        """'[["a","b","c"]]'""",
        f"'{'[' * 100_000}'",
        "'[[1e999,1,null]]'",
        f"'[[1,{10**400},null]]'",
        "'null'",
        "X'ff'",
        NOT_UTF_8,
    ],
)
def test_places_that_anybody_wrote_break_nothing(tmp_path: Path, written: str) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    places(Ledger(url))
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        connection.execute(sa.update(RATE_WINDOWS).values(places=sa.text(written)))
    assert places(Ledger(url)) == [0]
    assert places(Ledger(url), limit=1) != [0]


@pytest.mark.parametrize("column", ["backoff_until", "seen_at"])
@pytest.mark.parametrize("written", ["1e300", "-1e300", "'Infinity'", "'soon'", "NULL", "X'00'", NOT_UTF_8])
def test_a_time_of_an_account_that_anybody_wrote_stops_nobody(tmp_path: Path, written: str, column: str) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    places(Ledger(url))
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        connection.execute(sa.text("CREATE TABLE loose AS SELECT * FROM videoai_accounts"))
        connection.execute(sa.text("DROP TABLE videoai_accounts"))
        connection.execute(sa.text("ALTER TABLE loose RENAME TO videoai_accounts"))
        connection.execute(sa.update(ACCOUNTS).values({column: sa.text(written)}))

    def backoff(seconds: float = 0.0) -> float:
        reserved = Ledger(url).reserve(ACCOUNT, "*", holder="a", wanted=1, per_minute=None, backoff=seconds)
        return reserved.backoff

    assert backoff() == 0
    assert backoff(100.0) == 100
    assert backoff() == pytest.approx(100, abs=5)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("https://lab.test", "https://LAB.test:443/", True),
        ("http://lab.test:80", "http://lab.test", True),
        ("https://lab.test:8443", "https://lab.test", False),
        ("https://lab.test:80", "https://lab.test", False),
        ("https://[::1]:443/v1", "https://[::1]/v1", True),
        ("https://lab.test/v1", "https://lab.test/v2", False),
    ],
)
def test_an_account_is_the_same_however_its_host_is_spelt(one: str, other: str, alike: bool) -> None:
    assert (account_key("lab", one, "me") == account_key("lab", other, "me")) is alike
    assert account_key("lab", one, "me") != account_key("lab", one, "you")


def test_no_secret_is_in_the_database(tmp_path: Path) -> None:
    places(Ledger(f"sqlite:///{tmp_path / 'ledger.db'}"))
    assert account_key("lab", "http://LAB.test/", "me") == ACCOUNT
    assert "me" not in ACCOUNT
    assert b"lab.test" not in b"".join(each.read_bytes() for each in tmp_path.iterdir())


# -- a database that fails -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken",
    [
        "sqlite:////nowhere/ledger.db",
        "postgresql+psycopg2://user:s3cret@127.0.0.1:{port}/none",
        "mysql+nodriver://user:s3cret@127.0.0.1/none",
    ],
)
def test_a_database_that_cannot_be_used_is_a_ledger_error_without_its_address(broken: str) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(LedgerError) as failed:
            places(Ledger(broken.format(port=bound.getsockname()[1])))
    said = str(failed.value)
    assert "s3cret" not in said
    assert "127.0.0.1" not in said


def test_a_file_that_is_no_database_is_a_ledger_error(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"hello" * 1000)
    with pytest.raises(LedgerError):
        places(Ledger(f"sqlite:///{tmp_path / 'ledger.db'}"))


def test_a_database_that_was_removed_is_made_again(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    places(ledger)
    for each in tmp_path.iterdir():
        each.unlink()
    with pytest.raises(LedgerError):
        places(ledger)
    assert places(ledger) == [0]


def test_a_database_that_answers_too_late_is_left_alone_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A submit calls the ledger up to three times: it waits for one that does not answer once."""
    monkeypatch.setitem(under_test._OPTIONS["sqlite"]["connect_args"], "timeout", 0.3)
    monkeypatch.setattr(under_test, "_SLOW", 0.2)
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    places(ledger)
    with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match="does not answer"):
            places(ledger)
        with pytest.raises(LedgerError, match="some seconds ago"):
            places(ledger)
    later = time.monotonic() + under_test._LEFT_ALONE
    monkeypatch.setattr(under_test, "time", SimpleNamespace(monotonic=lambda: later, time=time.time))
    assert places(ledger) == [0]
