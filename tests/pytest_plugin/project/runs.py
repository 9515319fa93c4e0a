# SPDX-License-Identifier: Apache-2.0
"""Tests as a user of the plugin writes them; ``tests/pytest_plugin/test_runs.py`` runs them in a pytest of their own.

Those whose name begins with ``test_fails`` are to fail, with a text that is looked at there.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from airflow.sdk import DAG, Param

from airflow_provider_videoai.airflow_compat import AIRFLOW_V_3_3_PLUS
from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator
from airflow_provider_videoai.testing import assert_paid_once

HOURS = 3600.0


@pytest.fixture
def conf(videoai_sandbox: Any) -> dict[str, str]:
    return {"url": videoai_sandbox.sample()}


def test_five_lines(videoai_dag_run: Any, videoai_sandbox: Any) -> None:
    run = videoai_dag_run("one", {"url": videoai_sandbox.sample()})
    assert run.states == {"clean": "success"}
    assert run["clean"].result["media_url"].startswith(videoai_sandbox.url)
    assert_paid_once(run)


def test_a_run_says_what_was_bought_pushed_and_logged(videoai_dag_run: Any, videoai_sandbox: Any, conf: Any) -> None:
    run = videoai_dag_run("one", conf)
    task = run["clean"]
    (charge,) = run.charges
    assert charge["job_id"] == task.xcoms["job_id"] == task.result["job_id"]
    assert (charge["task"], charge["vendor"], charge["operation"], charge["attempt"]) == (
        "clean",
        "viitor",
        "text_removal",
        1,
    )
    assert charge["request"]["url"] == conf["url"]
    assert [each["job_id"] for each in videoai_sandbox.charges] == [charge["job_id"]]
    assert f"Submitted text_removal job {charge['job_id']}" in task.log
    assert f"{charge['job_id']} succeeded" in task.log


def test_a_test_sees_no_job_of_another(videoai_dag_run: Any, videoai_sandbox: Any, conf: Any) -> None:
    assert videoai_sandbox.charges == []
    run = videoai_dag_run("one", conf)
    assert len(videoai_sandbox.charges) == len(run.charges) == 1


def test_a_run_has_what_was_bought_in_it_alone(videoai_dag_run: Any, videoai_sandbox: Any, conf: Any) -> None:
    runs = [videoai_dag_run("one", conf) for _ in range(2)]
    assert runs[0].run_id != runs[1].run_id
    assert [len(run.charges) for run in runs] == [1, 1]
    assert len(videoai_sandbox.charges) == 2


def test_hours_pass_at_once(videoai_dag_run: Any, videoai_sandbox: Any, conf: Any) -> None:
    videoai_sandbox.clock(queue_seconds=HOURS, run_seconds=2 * HOURS)
    run = videoai_dag_run("one", conf)
    assert run.state == "success"
    advanced = videoai_sandbox.clock()["viitor"]["advanced"]
    assert 3 * HOURS <= advanced < 3.5 * HOURS, "completion is detected within a tenth of the job's duration"


def test_a_dag_of_the_test_itself(videoai_dag_run: Any, conf: Any) -> None:
    with DAG("own", schedule=None) as dag:
        ViiTorTextRemovalOperator(
            task_id="clean", url=conf["url"], task_name="clip", full_erase_roi=[[60, 288, 580, 336]]
        )
    assert_paid_once(videoai_dag_run(dag))


def test_a_failed_job_fails_its_task_and_does_not_raise(videoai_dag_run: Any, videoai_sandbox: Any, conf: Any) -> None:
    videoai_sandbox.fault(vendor="viitor", kind="fail_job", code=5001)
    run = videoai_dag_run("one", conf)
    assert (run.state, run["clean"].state, run["clean"].result) == ("failed", "failed", None)
    assert "failed at the vendor (code 5001)" in run["clean"].log
    assert_paid_once(run)


def test_mapped_tasks_have_states_of_their_own(videoai_dag_run: Any, videoai_sandbox: Any, conf: Any) -> None:
    videoai_sandbox.fault(vendor="viitor", kind="fail_job", after=1)
    run = videoai_dag_run("mapped", conf)
    copies = run.copies("clean")
    assert [task.label for task in copies] == ["clean[0]", "clean[1]"]
    # Airflow runs them in any order.
    well, badly = sorted(copies, key=lambda task: task.state, reverse=True)
    assert run.states == {"urls": "success", well.label: "success", badly.label: "failed"}
    assert well.result["job_id"] == well.charges[0]["job_id"]
    assert run["clean", badly.map_index] == badly
    assert "failed at the vendor" in badly.log
    assert "failed at the vendor" not in well.log
    assert_paid_once(run)
    with pytest.raises(KeyError, match=r"no copy 7; there are clean\[0\], clean\[1\]"):
        _ = run["clean", 7]
    with pytest.raises(KeyError, match=r"no task 'clear'; it has urls, clean\[0\], clean\[1\]"):
        _ = run["clear"]


def test_a_lost_answer_is_paid_once(videoai_dag_run: Any, videoai_sandbox: Any, conf: Any) -> None:
    videoai_sandbox.fault(vendor="viitor", call="submit", kind="accept_then_drop")
    run = videoai_dag_run("retried", conf)
    assert (run["clean"].state, run["clean"].tries) == ("failed", 1)
    assert len(run.charges) == 1
    assert_paid_once(run)


def test_a_lost_answer_is_settled_by_a_vendor_that_can_be_queried(
    videoai_dag_run: Any, videoai_sandbox: Any, conf: Any
) -> None:
    videoai_sandbox.fault(vendor="cdnetworks", call="submit", kind="accept_then_drop")
    run = videoai_dag_run("trim", conf)
    assert run.states == {"pull": "success", "trim": "success"}
    assert_paid_once(run)


@pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="needs Airflow 3.3: the task state store")
def test_a_retry_attaches_to_the_job(videoai_dag_run: Any, videoai_sandbox: Any, conf: Any) -> None:
    videoai_sandbox.fault(vendor="viitor", kind="never_ends")
    run = videoai_dag_run("retried", conf)
    assert (run["clean"].state, run["clean"].tries) == ("failed", 3)
    assert run["clean"].log.count("attaching to it instead of submitting again") == 2
    assert_paid_once(run)


def test_a_batch(videoai_dag_run: Any, conf: Any) -> None:
    run = videoai_dag_run("batch", conf)
    assert run.state == "success"
    assert run["clean"].result["succeeded"] == len(run.charges) == 3
    assert_paid_once(run)


@pytest.mark.parametrize("dag_id", ["one", "batch"])
def test_a_full_queue_is_waited_for_at_once(videoai_dag_run: Any, videoai_sandbox: Any, conf: Any, dag_id: str) -> None:
    videoai_sandbox.fault(vendor="viitor", call="submit", kind="quota_full", times=3)
    run = videoai_dag_run(dag_id, conf)
    assert run.state == "success"
    assert_paid_once(run)


@pytest.mark.parametrize("dag_id", ["one", "batch"])
def test_a_queue_that_stays_full_ends_the_task(
    videoai_dag_run: Any, videoai_sandbox: Any, conf: Any, dag_id: str
) -> None:
    videoai_sandbox.fault(vendor="viitor", call="submit", kind="quota_full", times=None)
    run = videoai_dag_run(dag_id, conf)
    assert (run.state, run.charges) == ("failed", [])


@pytest.mark.parametrize("number", [1, 2])
def test_what_an_earlier_test_left_in_flight_is_no_matter(
    videoai_dag_run: Any, videoai_sandbox: Any, number: int
) -> None:
    videoai_sandbox.fault(vendor="tencent_ivh", kind="never_ends")
    run = videoai_dag_run("speech")
    assert run.state == "failed"
    assert len(run.charges) == 1, f"test {number} submits, although one audio job may be in flight"


def test_every_way_of_waiting(videoai_dag_run: Any, videoai_sandbox: Any, conf: Any) -> None:
    videoai_sandbox.clock(run_seconds=HOURS)
    run = videoai_dag_run("waits", conf)
    assert run.states == dict.fromkeys(("submit", "sensor", "on_worker", "ends_in_triggerer"), "success")
    assert run["sensor"].result["job_id"] == run["submit"].result["job_id"]
    assert run["ends_in_triggerer"].result["media_url"]
    assert_paid_once(run)


def test_other_connections_lead_to_the_sandbox(videoai_dag_run: Any, videoai_connections: Any, conf: Any) -> None:
    videoai_connections.add("studio", vendor="viitor", extra={"channel": 200})
    run = videoai_dag_run("other_account", conf)
    assert_paid_once(run)


def test_an_unknown_vendor_has_no_connection(videoai_connections: Any) -> None:
    with pytest.raises(ValueError, match=r"vendor must be one of aidge, cdnetworks, .* not 'vitor'"):
        videoai_connections.add("studio", vendor="vitor")


def test_a_real_account_is_never_paid(
    videoai_dag_run: Any, videoai_sandbox: Any, monkeypatch: pytest.MonkeyPatch, conf: Any
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_STUDIO", '{"conn_type": "viitor", "login": "12345", "password": "a real token"}')
    run = videoai_dag_run("other_account", conf)
    assert run["clean"].state == "failed"
    assert "connection 'studio': host is https://video-translation.ilivedata.com" in run["clean"].log
    assert "videoai_connections.add('studio', vendor=...)" in run["clean"].log
    assert videoai_sandbox.ledger()["submissions"] == []


def test_tasks_can_be_left_out(videoai_dag_run: Any, conf: Any) -> None:
    run = videoai_dag_run("trim", conf, mark_success_pattern="trim")
    assert run.states == {"pull": "success", "trim": "success"}
    assert run["trim"].tries == 0


def test_connections_are_the_sandboxes_during_a_test(videoai_connections: Any, videoai_sandbox: Any) -> None:
    assert videoai_connections
    assert videoai_sandbox.url in os.environ["AIRFLOW_CONN_TOPVIEW_DEFAULT"]


def test_connections_are_restored_after_it() -> None:
    assert "AIRFLOW_CONN_TOPVIEW_DEFAULT" not in os.environ


def test_a_dag_that_is_not_there_is_named(videoai_dag_run: Any) -> None:
    with pytest.raises(LookupError, match=r"no DAG 'two' in .*dags; there is batch, bought_by_hand, mapped, one"):
        videoai_dag_run("two")


def test_of_a_dag_file_that_cannot_be_imported_the_error_is_shown(videoai_dag_run: Any) -> None:
    with pytest.raises(LookupError, match=r"(?s)no DAG 'broken' in .*broken\.py: .*No module named 'nowhere'"):
        videoai_dag_run("broken")


def test_a_folder_that_is_not_there_is_named_with_the_setting(
    videoai_dag_run: Any, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    getini = pytestconfig.getini
    settings = {"videoai_dags_folder": "elsewhere"}
    monkeypatch.setattr(pytestconfig, "getini", lambda name: settings.get(name) or getini(name))
    with pytest.raises(LookupError, match=r"no folder .*elsewhere .* DAG 'one' .* videoai_dags_folder"):
        videoai_dag_run("one")


def test_a_function_that_makes_a_dag_is_no_dag(videoai_dag_run: Any) -> None:
    with pytest.raises(TypeError, match=r"not a function: .* has to be called"):
        videoai_dag_run(lambda: None)


def test_a_param_without_a_value_is_named(videoai_dag_run: Any) -> None:
    with DAG("param", schedule=None, params={"url": Param(type="string")}) as dag:
        ViiTorTextRemovalOperator(
            task_id="clean", url="{{ params.url }}", task_name="clip", full_erase_roi=[[60, 288, 580, 336]]
        )
    with pytest.raises(Exception, match="Invalid input for param url: No value passed"):
        videoai_dag_run(dag)


def test_a_dag_may_import_what_is_beside_it(videoai_dag_run: Any) -> None:
    run = videoai_dag_run("with_a_module")
    assert run["say"].result == ["when parsed", "when run"]


def test_fails_with_the_log_beside_a_state(videoai_dag_run: Any, videoai_sandbox: Any, conf: Any) -> None:
    videoai_sandbox.fault(vendor="viitor", kind="fail_job", code=5001)
    assert videoai_dag_run("one", conf).state == "success"


def test_fails_with_the_log_beside_all_states(videoai_dag_run: Any, videoai_sandbox: Any, conf: Any) -> None:
    videoai_sandbox.fault(vendor="viitor", kind="fail_job", code=5001)
    assert videoai_dag_run("one", conf).states == {"clean": "success"}


def test_fails_with_the_log_beside_one_of_the_states(videoai_dag_run: Any, videoai_sandbox: Any, conf: Any) -> None:
    videoai_sandbox.fault(vendor="viitor", kind="fail_job", code=5001)
    assert videoai_dag_run("one", conf).states["clean"] == "success"


def test_fails_as_a_job_was_bought_twice(videoai_dag_run: Any, videoai_sandbox: Any, conf: Any) -> None:
    videoai_sandbox.fault(vendor="viitor", kind="fail_job")
    run = videoai_dag_run("retried", conf)
    assert run.state == "success"
    assert_paid_once(run)


def test_fails_as_a_task_bought_one_thing_twice(videoai_dag_run: Any, conf: Any) -> None:
    assert_paid_once(videoai_dag_run("bought_by_hand", conf))


def test_fails_as_nothing_was_bought(videoai_dag_run: Any, videoai_sandbox: Any, conf: Any) -> None:
    videoai_sandbox.fault(vendor="viitor", call="submit", kind="auth_failed")
    assert_paid_once(videoai_dag_run("one", conf))
