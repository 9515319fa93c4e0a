# SPDX-License-Identifier: Apache-2.0
"""How a batch fails: whether Airflow retries it, and what its error, its manifest and its end say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import BatchFailed
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
        assert error["message"].endswith("or delete that state first.")


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
    assert error["message"].endswith("or delete that state first.")


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
