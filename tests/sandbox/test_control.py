# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from airflow_provider_videoai.sandbox import CREDENTIALS, running_sandbox


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("faults", {"kind": "explode"}, "kind"),
        ("faults", {}, "kind"),
        ("faults", {"kind": "http_500", "vendor": "other"}, "vendor"),
        ("faults", {"kind": "http_500", "call": "lunch"}, "call"),
        ("faults", {"kind": "http_500", "seconds": 3}, "seconds"),
        ("faults", {"kind": "http_500", "times": 0}, "times"),
        ("faults", {"kind": "http_500", "times": True}, "times"),
        ("faults", {"kind": "http_500", "after": -1}, "after"),
        ("faults", {"kind": "stall", "seconds": "3"}, "seconds"),
        ("faults", {"kind": "rate_limited", "retry_after": 1.5}, "retry_after"),
        ("faults", {"kind": "rate_limited", "retry_after_date": 1}, "retry_after_date"),
        ("faults", {"kind": "fail_job", "code": []}, "code"),
        ("faults", {"kind": "fail_job", "call": "query"}, "call"),
        ("faults", {"kind": "expire_media", "call": "submit"}, "call"),
        ("faults", [], "body"),
        ("clock", {"run_seconds": "3"}, "run_seconds"),
        ("clock", {"queue_seconds": -1}, "queue_seconds"),
        ("clock", {"advance": True}, "advance"),
        ("clock", {"await_media": 1}, "await_media"),
        ("clock", {"vendor": "other"}, "vendor"),
        ("clock", {"speed": 2}, "speed"),
        ("shapes", {"aidge": "round"}, "aidge"),
        ("shapes", {"viitor": "any"}, "viitor"),
        ("shapes", {"other": "any"}, "other"),
    ],
)
def test_wrong_control_request_names_its_field(http: httpx.Client, path: str, body: Any, field: str) -> None:
    answer = http.post(f"/sandbox/{path}", json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert answer.json()["error"]


@pytest.mark.parametrize("query", ["?vendor=other", "?other=viitor"])
def test_wrong_ledger_query_is_refused(http: httpx.Client, query: str) -> None:
    assert http.get(f"/sandbox/ledger{query}").status_code == 400


def test_python_handle_raises_the_reason_of_the_sandbox(sandbox: Any) -> None:
    with pytest.raises(ValueError, match="kind must be one of"):
        sandbox.fault(kind="explode")


def test_index_names_vendors_ids_and_control(sandbox: Any) -> None:
    index = sandbox.index()
    assert set(index["vendors"]) == set(CREDENTIALS)
    assert "POST /textRemoval/add" in index["vendors"]["viitor"]
    assert index["ids"]["tencent_ivh"]["VirtualmanKey"][0] == "sandbox-virtualman"
    assert "POST /sandbox/faults" in index["control"]


def test_clock_of_one_vendor_leaves_the_others_alone(sandbox: Any) -> None:
    settings = sandbox.clock(vendor="aidge", run_seconds=60, advance=5)
    assert settings["aidge"] == {"queue_seconds": 0, "run_seconds": 60, "advanced": 5}
    assert settings["viitor"] == {"queue_seconds": 0, "run_seconds": 0, "advanced": 0}


def test_new_durations_leave_jobs_in_flight_alone(sandbox: Any, viitor: Any) -> None:
    sandbox.clock(queue_seconds=1000)
    task_id = viitor.new()
    sandbox.clock(queue_seconds=0)
    assert viitor.status(task_id)["data"][0]["taskStatus"] == 1


def test_job_ends_no_earlier_than_its_rendering(sandbox: Any, aidge: Any) -> None:
    sandbox.clock(run_seconds=100)
    task_id = aidge.new()
    sandbox.clock(advance=10_000)
    answer = aidge.result(task_id)["data"]
    assert answer["taskStatus"] == "running" or answer["videoUrl"]


def test_clock_can_reply_when_the_media_are_there(sandbox: Any, aidge: Any) -> None:
    sandbox.clock(run_seconds=100)
    task_id = aidge.new()
    sandbox.clock(advance=100, await_media=True)
    assert aidge.result(task_id)["data"]["videoUrl"]


def test_charges_are_those_of_the_ledger(sandbox: Any, viitor: Any, topview: Any) -> None:
    ids = [viitor.new(), topview.new()]
    assert [charge["job_id"] for charge in sandbox.charges] == ids
    assert sandbox.charges == sandbox.ledger()["charges"]


def test_ledger_holds_every_kind_of_entry_and_no_secret(
    sandbox: Any, viitor: Any, cdnetworks: Any, topview: Any, tencent: Any, aidge: Any, clip: str
) -> None:
    task_id = viitor.new(url=f"{clip}?signature=topsecret")
    viitor.status(task_id)
    viitor.add(url=None)
    cdnetworks.trim()
    cdnetworks.query("nosuch")
    topview.get("/user/credit/detail")
    tencent.video(VideoStorageS3Url="http://127.0.0.1:9/x?token=topsecret")
    aidge.submit()
    ledger = sandbox.ledger()
    assert [entry["outcome"] for entry in ledger["submissions"]] == ["accepted", "refused", *["accepted"] * 3]
    assert ledger["submissions"][0]["request"]["url"] == f"{clip}?..."
    assert ledger["polls"][0]["job_ids"] == [task_id]
    assert [entry["code"] for entry in ledger["polls"]] == [0, 1603]
    assert ledger["lookups"][0]["operation"] == "credit"
    assert len(ledger["charges"]) == 4
    text = json.dumps(ledger)
    assert "topsecret" not in text
    assert not [credential.password for credential in CREDENTIALS.values() if credential.password in text]


def test_ledger_of_one_vendor_has_nothing_of_the_others(sandbox: Any, viitor: Any, topview: Any) -> None:
    viitor.new()
    topview.new()
    ledger = sandbox.ledger("topview")
    assert {entry["vendor"] for entry in ledger["submissions"]} == {"topview"}
    assert set(ledger["totals"]) == {"topview"}


def test_ledger_can_be_emptied_while_jobs_go_on(sandbox: Any, viitor: Any) -> None:
    task_id = viitor.new()
    sandbox.clear_ledger()
    assert sandbox.ledger()["submissions"] == []
    assert viitor.status(task_id)["data"][0]["taskId"] == task_id


def test_reset_forgets_everything(sandbox: Any, viitor: Any, topview: Any) -> None:
    sandbox.clock(run_seconds=77, advance=5)
    sandbox.shapes(aidge="bare")
    sandbox.fault(kind="http_500", times=None, call="media")
    task_id = viitor.new()
    topview.new()
    sandbox.reset()
    assert viitor.status(task_id)["data"] == []
    assert sandbox.faults() == []
    assert sandbox.shapes()["aidge"] == "taskStatus"
    assert sandbox.clock()["viitor"] == {"queue_seconds": 0, "run_seconds": 0, "advanced": 0}
    assert topview.get("/user/credit/detail")["result"]["credit"] == 1000
    assert sandbox.ledger()["totals"]["viitor"]["submissions"] == 0


def test_two_sandboxes_share_nothing(sandbox: Any, viitor: Any) -> None:
    task_id = viitor.new()
    with running_sandbox(run_seconds=9) as other:
        assert other.url != sandbox.url
        assert other.clock()["aidge"]["run_seconds"] == 9
        answer = httpx.post(
            f"{other.url}/textRemoval/taskStatus",
            json={"taskId": task_id},
            headers=viitor.headers(),
            trust_env=False,
        )
        assert answer.json()["data"] == []
        connections = {name: json.loads(value) for name, value in other.connections().items()}
    assert {value["host"] for value in connections.values()} == {other.url}
    with pytest.raises(httpx.ConnectError):
        httpx.get(other.url, trust_env=False)
