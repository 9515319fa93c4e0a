# SPDX-License-Identifier: Apache-2.0
"""How a batch fails: whether Airflow retries it, and what its error, its manifest and its end say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.batches.batch_reference import BATCH_REFERENCE_KEY, BatchReference
from airflow_provider_videoai.jobs.errors import AuthenticationFailed, BatchFailed, InvalidRequest, VendorUnavailable
from tests.batches.published import lines
from tests.support.which_airflow import AirflowFailException

pytestmark = [pytest.mark.usefixtures("prompt"), pytest.mark.parametrize("case", ["viitor"], indirect=True)]

HOW_TO_GO_ON = 'in this task\'s state (videoai_batch_0) by {"job_id": "<its id>", "phase": "submitted"}'


def failure(task: Any) -> BatchFailed:
    with pytest.raises(BatchFailed) as failed:
        task.run()
    return failed.value


def test_lost_answers_alone_are_not_retried_and_the_error_says_how_to_go_on(
    case: Any, batch: Any, rows: Any, sandbox: Any, tmp_path: Path
) -> None:
    sandbox.fault(vendor=case.vendor, kind="accept_then_drop", times=2)
    manifest = f"file://{tmp_path}/all.jsonl"
    task = batch(case, rows(case, 3), manifest=manifest)
    failed = failure(task)
    assert isinstance(failed, AirflowFailException)
    assert "Of 2 submits nobody knows whether a job was bought" in failed.message
    assert HOW_TO_GO_ON in failed.message
    assert "on_uncertain_submit='resubmit'" in failed.message
    uncertain = [line["error"] for line in lines(manifest).values() if line["error"]]
    assert [error["type"] for error in uncertain] == ["SubmitUncertain"] * 2
    for error in uncertain:
        assert "Sent to ViiTor between" in error["message"]
        assert error["message"].endswith("with its task state kept.")


def test_what_a_worker_before_learned_of_a_lost_answer_is_not_cut_in_the_manifest(
    case: Any, batch: Any, rows: Any, sandbox: Any, tmp_path: Path
) -> None:
    sandbox.fault(vendor=case.vendor, kind="accept_then_drop")
    manifest = f"file://{tmp_path}/all.jsonl"
    task = batch(case, rows(case, 3), manifest=manifest, max_in_flight=2)
    failed = failure(task)
    assert task.deferrals, "one worker learned of the loss, and another one ended the task"
    assert HOW_TO_GO_ON in failed.message
    (error,) = (line["error"] for line in lines(manifest).values() if line["error"])
    assert error["message"].endswith("with its task state kept.")


def test_a_batch_is_retried_if_a_retry_helps_one_item(case: Any, batch: Any, rows: Any, sandbox: Any) -> None:
    sandbox.fault(vendor=case.vendor, kind="accept_then_drop")
    sandbox.fault(vendor=case.vendor, kind="fail_job", times=9)
    failed = failure(batch(case, rows(case, 3)))
    assert failed.failed == 3
    assert not isinstance(failed, AirflowFailException)
    assert "A retry or a clear of this task tries only what failed" in failed.message


def test_a_lost_answer_that_the_next_attempt_submits_again_is_retried(
    case: Any, batch: Any, rows: Any, sandbox: Any
) -> None:
    sandbox.fault(vendor=case.vendor, kind="accept_then_drop")
    failed = failure(batch(case, rows(case, 2), on_uncertain_submit="resubmit"))
    assert not isinstance(failed, AirflowFailException)
    assert "nobody knows" not in failed.message


def test_failed_jobs_that_are_kept_so_are_not_retried(case: Any, batch: Any, rows: Any, sandbox: Any) -> None:
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    failed = failure(batch(case, rows(case, 2), on_failed="keep"))
    assert isinstance(failed, AirflowFailException)
    assert "on_failed is 'keep'" in failed.message


def test_an_error_that_ends_the_attempt_says_what_goes_on_and_so_does_the_manifest(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, tmp_path: Path
) -> None:
    sandbox.fault(vendor=case.vendor, call="submit", kind="auth_failed", after=2, times=100)
    manifest = f"file://{tmp_path}/all.jsonl"
    task = batch(case, rows(case, 4), manifest=manifest)
    with pytest.raises(
        AuthenticationFailed, match="2 jobs of this batch are in flight: each goes on at the vendor and is billed"
    ):
        task.run()
    states = {item_id: (line["state"], line["job_id"]) for item_id, line in lines(manifest).items()}
    assert sorted(state for state, _ in states.values()) == ["queued", "queued", "running", "running"]
    assert {job_id for _, job_id in states.values()} - {None} == set(bought(case))
    counts = task.ti.xcom_pull(key="batch")
    assert (counts["running"], counts["queued"]) == (2, 2)


def test_refused_credentials_at_the_first_submit_speak_of_no_job(
    case: Any, batch: Any, rows: Any, sandbox: Any
) -> None:
    sandbox.fault(vendor=case.vendor, call="submit", kind="auth_failed", times=100)
    with pytest.raises(AuthenticationFailed) as refused:
        batch(case, rows(case, 3)).run()
    assert "in flight" not in refused.value.message


def _reference(task: Any) -> BatchReference:
    reference = BatchReference.read(task.ti.xcom_pull(key=BATCH_REFERENCE_KEY))
    assert reference is not None
    return reference


def test_a_batch_with_a_broken_row_is_listed_with_the_reason(case: Any, batch: Any, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"url": "https://example.com/a.mp4?token=secret"}\n', encoding="utf-8")
    task = batch(case, str(file))
    with pytest.raises(InvalidRequest, match="row 1: task_name"):
        task.run()
    refusal = _reference(task).refusal
    assert refusal is not None
    assert refusal.error == "InvalidRequest"
    assert "row 1: task_name" in refusal.message
    assert "secret" not in json.dumps(task.ti.xcom_pull(key=BATCH_REFERENCE_KEY))


def test_a_batch_without_its_connection_is_listed_until_it_runs(
    case: Any, batch: Any, rows: Any, monkeypatch: pytest.MonkeyPatch, connect: Any
) -> None:
    conn_id = connect(case.vendor)
    task = batch(case, rows(case, 1), conn_id=conn_id)
    with monkeypatch.context() as gone:
        gone.delenv(f"AIRFLOW_CONN_{conn_id.upper()}")
        with pytest.raises(VendorUnavailable, match="is not defined in Airflow"):
            task.run()
    refusal = _reference(task).refusal
    assert refusal is not None
    assert refusal.error == "VendorUnavailable"
    assert task.run()["succeeded"] == 1
    assert _reference(task).refusal is None
