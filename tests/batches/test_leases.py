# SPDX-License-Identifier: Apache-2.0
"""The leases of a batch's jobs: each is given back when its job has ended, wherever that was learned."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.hooks import ledger as deployment
from airflow_provider_videoai.jobs.in_flight import keeper
from airflow_provider_videoai.jobs.ledger.lease import lease_of_job
from airflow_provider_videoai.jobs.ledger.ledger import Ledger

pytestmark = [pytest.mark.usefixtures("prompt"), pytest.mark.parametrize("case", ["viitor", "topview"], indirect=True)]


@pytest.fixture
def leases(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return how many leases there are, in a ledger of the test's own."""
    monkeypatch.setattr(deployment, "AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setattr(deployment, "_found", None)

    def leases() -> int:
        (file,) = tmp_path.glob("**/*.db")
        with sqlite3.connect(file) as connection:
            return int(connection.execute("SELECT count(*) FROM videoai_leases").fetchone()[0])

    return leases


@pytest.mark.parametrize("deferrable", [True, False])
def test_jobs_that_ended_hold_no_lease(
    case: Any, batch: Any, rows: Any, connect: Any, leases: Any, deferrable: bool
) -> None:
    conn_id = connect(case.vendor, extra={"max_jobs_in_flight": 3})
    task = batch(case, rows(case, 7), conn_id=conn_id, deferrable=deferrable)
    assert task.run()["succeeded"] == 7
    assert leases() == 0


def test_jobs_that_ended_between_two_attempts_hold_none(
    case: Any, batch: Any, rows: Any, connect: Any, leases: Any, bought: Any
) -> None:
    conn_id = connect(case.vendor, extra={"max_jobs_in_flight": 3})
    task = batch(case, rows(case, 3), conn_id=conn_id)
    task.defer()
    assert leases() == 3
    again = batch(case, rows(case, 3), conn_id=conn_id, store=task.store, deferrable=False)
    assert again.run()["succeeded"] == 3
    assert leases() == 0
    assert len(bought(case)) == 3


def test_jobs_keep_their_leases_while_a_worker_is_busy_with_other_submits(
    case: Any, batch: Any, rows: Any, connect: Any, leases: Any, bought: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed: list[set[str]] = []
    keep = Ledger.keep_leases

    def watched(self: Ledger, account: str, *, running: Any = (), ended: Any = ()) -> None:
        renewed.append(set(running))
        keep(self, account, running=running, ended=ended)

    monkeypatch.setattr(Ledger, "keep_leases", watched)
    monkeypatch.setattr(keeper, "RENEW_SECONDS", 0.0)
    monkeypatch.setattr("airflow_provider_videoai.batches.submits.SUBMITTERS", 1)
    conn_id = connect(case.vendor, extra={"max_jobs_in_flight": 3})
    batch(case, rows(case, 3), conn_id=conn_id).defer()
    first, second, third = map(lease_of_job, bought(case))
    assert renewed == [{first}, {first, second}, {first, second, third}]
    assert leases() == 3
