# SPDX-License-Identifier: Apache-2.0
"""A clear of Airflow 3.4 may discard a task's records: then nobody knows what was bought, and nothing is."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videoai import airflow_compat
from airflow_provider_videoai.jobs.errors import SubmitUncertain
from airflow_provider_videoai.jobs.submission.record import STORE_KEY
from tests.support.which_airflow import AirflowFailException

pytestmark = pytest.mark.usefixtures("prompt", "airflow_that_forgets")


@pytest.fixture
def airflow_that_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow_compat, "AIRFLOW_V_3_4_PLUS", True)


@pytest.fixture
def forgotten(task: Any, cases: Any) -> Any:
    """A task that bought a job, was cleared, and has no record any more."""
    done = task(cases["topview"])
    done.run()
    done.clear(keep_state=False)
    return done


def test_a_cleared_task_without_a_record_buys_nothing_and_says_how_to_go_on(
    forgotten: Any, cases: Any, bought: Any
) -> None:
    with pytest.raises(SubmitUncertain, match=r"task was cleared.*may have bought a job.*sent nothing") as stopped:
        forgotten.start()
    assert isinstance(stopped.value, AirflowFailException), "a retry would know no more"
    assert "with its task state kept" in str(stopped.value)
    assert len(bought(cases["topview"])) == 1


def test_the_job_that_a_person_names_is_attached_to(forgotten: Any, cases: Any, bought: Any) -> None:
    (job_id,) = bought(cases["topview"])
    forgotten.store.values[STORE_KEY] = f'{{"job_id": "{job_id}", "phase": "submitted"}}'
    forgotten.clear(keep_state=True)
    assert forgotten.run()["job_id"] == job_id
    assert bought(cases["topview"]) == [job_id]


def test_a_person_may_say_that_nothing_was_bought(forgotten: Any, cases: Any, bought: Any) -> None:
    forgotten.store.values[STORE_KEY] = '{"phase": "failed"}'
    forgotten.clear(keep_state=True)
    assert forgotten.run()["job_id"] == bought(cases["topview"])[1]


def test_who_wants_to_pay_again_has_another_job(task: Any, cases: Any, bought: Any) -> None:
    done = task(cases["topview"], on_uncertain_submit="resubmit")
    done.run()
    done.clear(keep_state=False)
    assert done.run()["job_id"] == bought(cases["topview"])[1]


def test_a_clear_that_keeps_the_state_attaches(task: Any, cases: Any, bought: Any) -> None:
    waiting = task(cases["topview"], retries=2)
    waiting.defer()
    waiting.clear(keep_state=True)
    assert [waiting.run()["job_id"]] == bought(cases["topview"])


@pytest.mark.parametrize("retries", [0, 3])
def test_a_task_that_was_cleared_before_it_ever_ran_buys_its_job(
    retries: int, task: Any, cases: Any, bought: Any
) -> None:
    fresh = task(cases["topview"], retries=retries)
    fresh.clear(keep_state=False)
    assert [fresh.run()["job_id"]] == bought(cases["topview"])


def test_a_retry_whose_earlier_tries_never_came_to_a_submit_buys_the_job(task: Any, cases: Any, bought: Any) -> None:
    retried = task(cases["topview"], retries=2)
    retried.ti.try_number, retried.ti.max_tries = 1, 2
    assert [retried.run()["job_id"]] == bought(cases["topview"])


def test_an_airflow_that_keeps_what_it_stored_has_nothing_to_forget(
    task: Any, cases: Any, bought: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(airflow_compat, "AIRFLOW_V_3_4_PLUS", False)
    refused = task(cases["topview"])
    refused.ti.try_number = 1
    refused.clear(keep_state=True)
    assert [refused.run()["job_id"]] == bought(cases["topview"])
