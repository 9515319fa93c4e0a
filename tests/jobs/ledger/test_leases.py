# SPDX-License-Identifier: Apache-2.0
"""Leases of jobs in flight in the ledger's database: one limit for all processes, and no lease outlives its use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from airflow_provider_videoai.jobs.ledger import leases, migrations
from airflow_provider_videoai.jobs.ledger.account_key import account_key
from airflow_provider_videoai.jobs.ledger.lease import LeaseRequest, lease_of_job
from airflow_provider_videoai.jobs.ledger.ledger import Ledger
from airflow_provider_videoai.jobs.ledger.tables import LEASES

ACCOUNT = account_key("lab", "http://lab.test", "me")


def lease(ledger: Ledger, *names: str, limit: int = 2, kind: str = "*", account: str = ACCOUNT) -> set[str]:
    return ledger.lease(account, kind, [LeaseRequest(name) for name in names], limit=limit)


def rows(url: str) -> dict[str, Any]:
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
        return {row.lease: row for row in connection.execute(sa.select(LEASES))}


def age(url: str, seconds: float) -> None:
    """Let time pass for all leases."""
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        times = {name: LEASES.c[name] - seconds for name in ("since", "expires")}
        connection.execute(sa.update(LEASES).values(**times))


def test_processes_share_one_limit_and_the_answer_stays_the_same(url: str) -> None:
    first, second = Ledger(url), Ledger(url)
    assert lease(first, "a") == {"a"}
    assert lease(second, "b", "c") in ({"b"}, {"c"})
    assert lease(first, "d") == set()
    assert lease(second, "a") == {"a"}


def test_who_ends_makes_room_for_the_one_that_waited_longest(url: str) -> None:
    ledger = Ledger(url)
    lease(ledger, "a", limit=1)
    lease(ledger, "b", limit=1)
    lease(ledger, "c", limit=1)
    ledger.keep_leases(ACCOUNT, ended=["a"])
    assert lease(ledger, "c", limit=1) == set()
    assert lease(ledger, "b", limit=1) == {"b"}


def test_a_lease_goes_from_the_task_to_its_job_and_counts_once(url: str) -> None:
    ledger, job = Ledger(url), lease_of_job("j-1")
    lease(ledger, "a", limit=1)
    ledger.submitted(ACCOUNT, "*", "a", job)
    ledger.submitted(ACCOUNT, "*", "a", job)  # by an attempt that found the job once more
    assert list(rows(url)) == [job]
    assert lease(ledger, "b", limit=1) == set()
    ledger.keep_leases(ACCOUNT, ended=[job, "never there"])
    assert lease(ledger, "b", limit=1) == {"b"}


def test_a_job_counts_for_as_long_as_somebody_waits_and_again_if_somebody_comes_back(url: str) -> None:
    ledger, job = Ledger(url), lease_of_job("j-1")
    ledger.submitted(ACCOUNT, "*", "a", job)
    age(url, 800)
    ledger.keep_leases(ACCOUNT, running=[job])
    age(url, 800)
    assert lease(ledger, "b", limit=1) == set()
    age(url, 800)
    ledger.keep_leases(ACCOUNT, running=[job])
    assert lease(ledger, "c", limit=1) == set()
    age(url, 1000)
    assert lease(ledger, "c", limit=1) == {"c"}


def test_a_renewal_grants_nothing(url: str) -> None:
    ledger = Ledger(url)
    lease(ledger, "a", limit=1)
    lease(ledger, "b", limit=1)
    ledger.keep_leases(ACCOUNT, running=["b", "unheard of"])
    assert not rows(url)["b"].granted
    assert set(rows(url)) == {"a", "b"}


def test_who_does_not_come_when_it_is_next_queues_again(url: str) -> None:
    ledger = Ledger(url)
    lease(ledger, "a", limit=1)
    lease(ledger, "gone", limit=1)
    age(url, 130)
    lease(ledger, "b", limit=1)
    lease(ledger, "gone", limit=1)
    ledger.keep_leases(ACCOUNT, ended=["a"])
    assert lease(ledger, "gone", "b", limit=1) == {"b"}


def test_kinds_and_accounts_have_limits_of_their_own(url: str) -> None:
    ledger = Ledger(url)
    assert lease(ledger, "a", limit=1) == {"a"}
    assert lease(ledger, "b", limit=1, kind="tts") == {"b"}
    other = account_key("lab", "http://lab.test", "you")
    assert lease(ledger, "a", limit=1, account=other) == {"a"}
    ledger.keep_leases(other, ended=["a"])
    assert lease(ledger, "c", limit=1) == set()


def test_what_expired_long_ago_is_removed(url: str) -> None:
    ledger = Ledger(url)
    lease(ledger, "a", "b")
    age(url, 2 * 86_400)
    lease(ledger, "c")
    assert list(rows(url)) == ["c"]


def test_tasks_that_ask_at_once_get_no_more_than_there_is(url: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: lease(Ledger(url), f"t{number}", limit=3), range(24)))
    assert sum(map(len, answers)) == 3


def test_thousands_are_renewed_and_ended_in_portions(url: str) -> None:
    ledger = Ledger(url)
    jobs = [lease_of_job(str(number)) for number in range(1200)]
    for job in jobs[:3]:
        ledger.submitted(ACCOUNT, "*", job, job)
    age(url, 100)
    ledger.keep_leases(ACCOUNT, running=jobs)
    ledger.keep_leases(ACCOUNT, ended=jobs[1:])
    assert list(rows(url)) == jobs[:1]


@pytest.mark.parametrize("priority", [2**40, -(2**40)])
def test_a_priority_beyond_the_column_is_bounded(url: str, priority: int) -> None:
    assert Ledger(url).lease(ACCOUNT, "*", [LeaseRequest("a", priority)], limit=1) == {"a"}
    assert abs(rows(url)["a"].priority) == 2**31 - 1


def test_a_ledger_of_the_version_without_leases_gets_the_table(url: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        migrations._VERSION.create(connection)
        migrations._STEPS[0](connection)
        connection.execute(sa.insert(migrations._VERSION).values(version=1))
        assert not sa.inspect(connection).has_table(LEASES.name)
    assert lease(Ledger(url), "a") == {"a"}
    with engine.connect() as connection:
        assert connection.scalar(sa.select(migrations._VERSION.c.version)) == migrations.VERSION


def test_how_many_names_a_statement_takes_is_within_sqlites_limit() -> None:
    assert leases._AT_A_TIME < 999


ODD_VALUES = {
    "a text for a time": ("expires", "'tomorrow'"),
    "no time at all": ("since", "9e999"),
    "a text for a priority": ("priority", "'high'"),
    "a word for a boolean": ("granted", "'maybe'"),
    "a boolean that is none": ("granted", "7"),
    "bytes for a time": ("expires", "X'ff'"),
    "a text for a time that is not UTF-8": ("expires", "CAST(X'ff' AS TEXT)"),
    "bytes for a name": ("lease", "X'ff'"),
    "bytes for a name that is another's": ("lease", "CAST('a' AS BLOB)"),
    "a name that is not UTF-8": ("lease", "CAST(X'ff' AS TEXT)"),
}


@pytest.mark.parametrize(("column", "value"), ODD_VALUES.values(), ids=list(ODD_VALUES))
@pytest.mark.parametrize("name", ["odd", "a"])
def test_a_lease_that_cannot_be_read_is_deleted_with_one_warning_and_fails_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, column: str, value: str, name: str
) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"  # which takes any value in any column
    ledger = Ledger(url)
    lease(ledger, "b", limit=1)
    readable = rows(url)["b"]
    row = {"account": ACCOUNT, "kind": "*", "lease": name, "granted": True, "priority": 1, "since": 1.0, "expires": 9e9}
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        connection.execute(sa.insert(LEASES).inline().values({**row, column: sa.text(value)}))
    for _ in range(2):
        assert lease(ledger, "a", limit=1) == set()
    assert caplog.text.count("cannot be read") == 1
    assert set(rows(url)) == {"a", "b"}
    assert rows(url)["b"] == readable
    ledger.keep_leases(ACCOUNT, ended=["b"])
    assert lease(ledger, "a", limit=1) == {"a"}


def test_a_task_that_submits_another_kind_of_job_moves_its_lease(url: str) -> None:
    ledger = Ledger(url)
    assert lease(ledger, "a", limit=1) == {"a"}
    assert lease(ledger, "a", limit=1, kind="tts") == {"a"}
    assert lease(ledger, "b", limit=1) == {"b"}
    assert lease(ledger, "c", limit=1, kind="tts") == set()
