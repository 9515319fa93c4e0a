# SPDX-License-Identifier: Apache-2.0
"""The example DAGs, whole, on a real scheduler and triggerer."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import contact_sheet
import httpx
import pytest
from processes import wait_for
from standalone import Standalone

from airflow_provider_videoai.airflow_compat import AIRFLOW_V_3_3_PLUS
from airflow_provider_videoai.links import job_url, result_url
from airflow_provider_videoai.sandbox.running import Sandbox
from tests.support.cases import RESULT_KEYS
from tests.support.which_airflow import needs_airflow_3_3

pytestmark = pytest.mark.airflow

FORMS = ("from_result", "from_key", "from_template", "poking", "ends_in_triggerer", "blocking")


def played(url: str, path: Path) -> contact_sheet.Facts:
    path.write_bytes(httpx.get(url, timeout=30, trust_env=False).raise_for_status().content)
    return contact_sheet.probe(path)


@pytest.fixture(scope="module")
def started(airflow: Standalone) -> dict[str, str]:
    """Start the runs that do not need the sandbox to themselves, side by side: each waits more than it works."""
    together = ("localize_clip", "tencent_narrator", "cdnetworks_trim", "topview_video_avatar", "waiting_forms")
    return {dag_id: airflow.trigger(dag_id, {"seconds": 4} if dag_id == "localize_clip" else {}) for dag_id in together}


def run(airflow: Standalone, dag_id: str, started: dict[str, str] | None = None) -> str:
    run_id = (started or {}).get(dag_id) or airflow.trigger(dag_id)
    state = airflow.finish(dag_id, run_id, 240)
    assert state == "success", failures(airflow, dag_id, run_id)
    return run_id


def job_and_result(
    airflow: Standalone, dag_id: str, run_id: str, task_id: str, map_index: int = -1
) -> dict[str, str | None]:
    """Return the two links that lead to a task's job and its media."""
    task = SimpleNamespace(dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index)
    return {"Job": f"{airflow.url}{job_url(task)}", "Result": f"{airflow.url}{result_url(task)}"}


def failures(airflow: Standalone, dag_id: str, run_id: str) -> str:
    tasks = airflow.tasks(dag_id, run_id)
    failed = [task for task in tasks if task["state"] == "failed"]
    logs = [airflow.task_log(dag_id, run_id, task["task_id"], task["try_number"], task["map_index"]) for task in failed]
    return "\n".join([json.dumps({task["task_id"]: task["state"] for task in tasks}), *logs])


def test_localize_clip_runs_to_its_end_with_playable_results_in_the_storage(
    airflow: Standalone, started: dict[str, str], sandbox: Sandbox
) -> None:
    run_id = run(airflow, "localize_clip", started)
    stored = {each["vendor"]: each for each in airflow.xcom("localize_clip", run_id, "gather")}
    files = {vendor: Path(each["path"].removeprefix("file://")) for vendor, each in stored.items()}
    facts = {vendor: contact_sheet.probe(path) for vendor, path in files.items()}

    assert set(facts) == {"viitor", "cdnetworks", "aidge", "topview", "tencent_ivh"}
    assert facts["cdnetworks"].seconds == pytest.approx(4, abs=0.3)
    assert facts["viitor"].seconds == pytest.approx(8, abs=0.3)
    assert all(each.sound for each in facts.values())
    job_ids = [
        airflow.xcom("localize_clip", run_id, task["task_id"], "job_id")
        for task in airflow.tasks("localize_clip", run_id)
        if task["task_id"] != "gather"
    ]
    submitted = [each["job_id"] for each in sandbox.ledger()["submissions"] if each["outcome"] == "accepted"]
    assert [submitted.count(job_id) for job_id in job_ids] == [1] * 6

    trimmed = airflow.xcom("localize_clip", run_id, "trim")["media_url"]
    assert files["cdnetworks"].read_bytes() == httpx.get(trimmed, timeout=30, trust_env=False).content
    for vendor, path in files.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == stored[vendor]["sha256"]
        assert path.parent == airflow.home / "storage" / run_id.replace(":", "").replace("+", "-")


def test_new_videos_in_the_storage_start_the_dag_that_is_scheduled_on_them(
    airflow: Standalone, started: dict[str, str]
) -> None:
    run_id = run(airflow, "localize_clip", started)
    stored = airflow.xcom("localize_clip", run_id, "gather")
    wait_for(lambda: airflow.api("GET", "/dags/new_video/dagRuns")["dag_runs"], 60, "no asset event started new_video")
    (next_run,) = airflow.api("GET", "/dags/new_video/dagRuns")["dag_runs"]
    assert airflow.finish("new_video", next_run["dag_run_id"], 120) == "success", failures(
        airflow, "new_video", next_run["dag_run_id"]
    )
    assert next_run["run_type"] == "asset_triggered"
    (manifest,) = airflow.xcom("new_video", next_run["dag_run_id"], "manifest")
    assert json.loads(Path(manifest.removeprefix("file://")).read_text()) == stored


def test_every_result_has_the_same_shape(airflow: Standalone, started: dict[str, str]) -> None:
    run_id = run(airflow, "tencent_narrator", started)
    for task_id, operation in (("speech", "tts"), ("video", "video_make")):
        result = airflow.xcom("tencent_narrator", run_id, task_id)
        assert set(result) == RESULT_KEYS
        assert (result["vendor"], result["operation"], result["state"]) == ("tencent_ivh", operation, "succeeded")
        assert result["duration_ms"] > 0
        assert airflow.xcom("tencent_narrator", run_id, task_id, "job_id") == result["job_id"]


def test_many_clips_keep_their_order_and_share_requests(airflow: Standalone, sandbox: Sandbox) -> None:
    sandbox.clear_ledger()
    run_id = run(airflow, "mapped_submits")
    results = airflow.xcom("mapped_submits", run_id, "wait_for_all")
    submitted = [airflow.xcom("mapped_submits", run_id, "submit", "job_id", map_index=index) for index in range(3)]

    assert [result["job_id"] for result in results] == submitted
    assert len(set(submitted)) == 3
    for index in range(3):
        job = job_and_result(airflow, "mapped_submits", run_id, "submit", index)["Job"]
        assert airflow.links("mapped_submits", run_id, "submit", index) == {"Job": job, "Result": None}
    page = job_and_result(airflow, "mapped_submits", run_id, "wait_for_all")["Job"]
    assert airflow.links("mapped_submits", run_id, "wait_for_all") == {"Job": page, "Result": page}
    assert {len(poll["job_ids"]) for poll in sandbox.ledger("viitor")["polls"]} == {3}


def test_a_batch_keeps_its_clips_and_the_next_run_buys_none(airflow: Standalone, sandbox: Sandbox) -> None:
    sandbox.clear_ledger()
    run_id = run(airflow, "remove_text_from_many")
    summary = airflow.xcom("remove_text_from_many", run_id, "clean")
    assert {name: summary[name] for name in ("total", "succeeded", "failed", "skipped")} == {
        "total": 3,
        "succeeded": 3,
        "failed": 0,
        "skipped": 0,
    }
    manifest = Path(summary["manifest"].removeprefix("file://"))
    kept = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    assert [line["item_id"] for line in kept] == ["clip-1", "clip-2", "clip-3"]
    for line in kept:
        assert contact_sheet.probe(Path(line["path"].removeprefix("file://"))).seconds > 1
    assert len(sandbox.ledger("viitor")["submissions"]) == 3
    # Of all three jobs in one request, from the triggerer.
    assert {len(poll["job_ids"]) for poll in sandbox.ledger("viitor")["polls"]} == {3}
    if AIRFLOW_V_3_3_PLUS:
        assert_resumed_in_its_first_try(airflow, "remove_text_from_many", run_id)

    again = run(airflow, "remove_text_from_many")
    assert airflow.xcom("remove_text_from_many", again, "clean")["skipped"] == 3
    assert len(sandbox.ledger("viitor")["submissions"]) == 3


def assert_resumed_in_its_first_try(airflow: Standalone, dag_id: str, run_id: str) -> None:
    """By the try number a batch knows which failures are of this attempt: a deferral must not count it up."""
    (clean,) = [task for task in airflow.tasks(dag_id, run_id) if task["task_id"] == "clean"]
    log = airflow.task_log(dag_id, run_id, "clean", clean["try_number"])
    assert (
        log.index("3 to submit, 0 in flight") < log.index("waiting in the triggerer") < log.index("0 to submit, 3 in")
    )
    path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/clean/state-store/videoai_batch_0"
    ends = [entry["end"] for entry in airflow.api("GET", path)["value"]["items"].values()]
    assert (clean["try_number"], [end["attempt"] for end in ends]) == (1, [1, 1, 1])


@pytest.mark.parametrize(
    ("dag_id", "task_id"),
    [("cdnetworks_trim", "trim"), ("topview_video_avatar", "avatar"), ("aidge_video_removal", "wait")],
)
def test_each_small_dag_ends_with_media(
    airflow: Standalone, started: dict[str, str], tmp_path: Path, dag_id: str, task_id: str
) -> None:
    run_id = run(airflow, dag_id, started)
    assert played(airflow.xcom(dag_id, run_id, task_id)["media_url"], tmp_path / "result.mp4").seconds > 1


@needs_airflow_3_3("triggers that write XComs")
def test_progress_is_seen_while_the_task_waits(airflow: Standalone, sandbox: Sandbox) -> None:
    sandbox.clock(run_seconds=60, vendor="viitor")
    run_id = airflow.trigger("viitor_text_removal")

    def shown() -> Any:
        (task,) = airflow.tasks("viitor_text_removal", run_id)
        progress = airflow.xcom("viitor_text_removal", run_id, "erase_text", "progress")
        return task["state"] == "deferred" and progress and progress["progress"]

    wait_for(shown, 60, "no progress was seen")
    progress = airflow.xcom("viitor_text_removal", run_id, "erase_text", "progress")
    links = airflow.links("viitor_text_removal", run_id, "erase_text")
    sandbox.clock(advance=100)
    sandbox.clock(run_seconds=3, vendor="viitor")

    assert progress["state"] == "running"
    assert 0 < progress["progress"] < 100
    job = job_and_result(airflow, "viitor_text_removal", run_id, "erase_text")["Job"]
    assert links == {"Job": job, "Result": None}
    assert airflow.finish("viitor_text_removal", run_id, 120) == "success"


def test_every_form_of_waiting_ends_with_the_same_job(airflow: Standalone, started: dict[str, str]) -> None:
    run_id = run(airflow, "waiting_forms", started)
    job_id = airflow.xcom("waiting_forms", run_id, "submit", "job_id")
    for task_id in ("from_result", "from_key", "from_template", "poking"):
        result = airflow.xcom("waiting_forms", run_id, task_id)
        assert (result["job_id"], result["state"]) == (job_id, "succeeded"), task_id
        assert result["media_url"], task_id
    for task_id in ("ends_in_triggerer", "blocking"):
        assert set(airflow.xcom("waiting_forms", run_id, task_id)) == RESULT_KEYS


@pytest.mark.parametrize("task_id", FORMS)
def test_every_form_of_waiting_ends_with_both_links(airflow: Standalone, started: dict[str, str], task_id: str) -> None:
    run_id = run(airflow, "waiting_forms", started)
    both = job_and_result(airflow, "waiting_forms", run_id, task_id)
    assert airflow.links("waiting_forms", run_id, task_id) == both


@pytest.mark.parametrize("task_id", FORMS)
def test_every_form_of_waiting_logs_its_own_job_in_its_own_log(
    airflow: Standalone, started: dict[str, str], task_id: str
) -> None:
    run_id = run(airflow, "waiting_forms", started)
    job_id = airflow.xcom("waiting_forms", run_id, task_id)["job_id"]
    log = airflow.task_log("waiting_forms", run_id, task_id)
    ends = len(re.findall(rf"job {job_id} succeeded after (waiting )?\d+ s, \d+ polls?", log))
    # Before 3.3 the triggerer cannot hand on what it saw: the worker polls again, and logs it again.
    assert ends == 1 or (ends == 2 and not AIRFLOW_V_3_3_PLUS), log
    assert len(re.findall(rf"Result of \w+ job {job_id}: media", log)) == 1, log
    assert set(re.findall(r" job ([\w-]+)", log)) == {job_id}


def test_wrong_password_fails_at_once_and_is_never_shown(airflow: Standalone, sandbox: Sandbox) -> None:
    sandbox.clear_ledger()
    run_id = airflow.trigger("wrong_password")
    assert airflow.finish("wrong_password", run_id, 60) == "failed"
    (task,) = airflow.tasks("wrong_password", run_id)
    log = airflow.task_log("wrong_password", run_id, "refused")

    assert task["try_number"] == 1, "what a retry cannot mend must not use retries up"
    assert "AuthenticationFailed" in log
    assert "topview_wrong" in log
    assert "wrong-password" not in log
    assert not sandbox.ledger()["charges"]
    assert airflow.links("wrong_password", run_id, "refused") == {"Job": None, "Result": None}


@pytest.fixture(scope="module")
def vendor_failed(airflow: Standalone, sandbox: Sandbox) -> str:
    """A run whose jobs failed at the vendor."""
    sandbox.fault(vendor="viitor", call="submit", kind="fail_job", times=2)
    run_id = airflow.trigger("vendor_fails")
    assert airflow.finish("vendor_fails", run_id, 60) == "failed"
    return run_id


@pytest.mark.parametrize("task_id", ["fails", "fails_on_a_worker"])
def test_vendor_failure_is_in_the_task_log_and_on_the_page_with_code_and_reason(
    airflow: Standalone, vendor_failed: str, task_id: str
) -> None:
    log = airflow.task_log("vendor_fails", vendor_failed, task_id)
    shown = airflow._client.get(f"/video-jobs/api/jobs/vendor_fails/{vendor_failed}/{task_id}/-1").json()

    assert "JobFailed" in log
    assert "code " in log
    assert (shown["state"], shown["results"][0]["state"]) == ("failed", "failed")
    assert shown["results"][0]["error"].partition(":")[0] in log
    job = job_and_result(airflow, "vendor_fails", vendor_failed, task_id)["Job"]
    assert airflow.links("vendor_fails", vendor_failed, task_id) == {"Job": job, "Result": None}


@needs_airflow_3_3("retry policies")
def test_with_the_retry_policy_a_failed_job_is_not_paid_again_by_itself(airflow: Standalone, sandbox: Sandbox) -> None:
    sandbox.clear_ledger()
    sandbox.fault(vendor="viitor", call="submit", kind="fail_job")
    run_id = airflow.trigger("vendor_fails_with_policy")
    assert airflow.finish("vendor_fails_with_policy", run_id, 120) == "failed"
    (task,) = airflow.tasks("vendor_fails_with_policy", run_id)
    folder = airflow.home / "logs" / "dag_id=vendor_fails_with_policy"
    log = "".join(path.read_text() for path in folder.rglob("*.log"))

    assert (task["state"], task["try_number"]) == ("failed", 1)
    assert "another job would have to be paid for" in log
    assert len(sandbox.ledger("viitor")["charges"]) == 1


def test_no_secret_and_no_signed_url_reaches_a_log(airflow: Standalone, sandbox: Sandbox) -> None:
    logs = "".join(path.read_text(errors="replace") for path in airflow.home.rglob("*.log"))
    secrets = [json.loads(each)["password"] for each in sandbox.connections().values()]

    assert "Submitted" in logs
    assert not [secret for secret in secrets if secret in logs]
    for mark in ("X-Amz-Signature", "&sign=", "signature="):
        assert mark not in logs
