# SPDX-License-Identifier: Apache-2.0
"""Secrets go to their own vendor only: a connection of another type is refused before anything is sent."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.hooks.cdnetworks import CDNetworksHook
from airflow_provider_videoai.hooks.tencent_ivh import TencentIVHHook
from airflow_provider_videoai.hooks.topview import TopviewHook
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.triggers.job import VideoJobTrigger
from tests.support.cases import ONE_EACH

EACH_VENDOR = pytest.mark.parametrize("case", ONE_EACH, indirect=True)
FOREIGN = ["aws", "http", "https", "postgres", "email"]
KEY = "somebody-elses-secret-key"


@pytest.fixture
def nothing_was_sent(sandbox: Any) -> Any:
    def nothing_was_sent() -> bool:
        books = sandbox.ledger()
        return not any(books[name] for name in ("submissions", "polls", "lookups", "refused"))

    return nothing_was_sent


def other_than(case: Any, cases: Any) -> Any:
    return cases["tencent_video" if case.vendor != "tencent_ivh" else "topview"]


@EACH_VENDOR
@pytest.mark.parametrize("mode", ["submit", "status", "result", "asubmit", "test_connection"])
def test_a_hook_refuses_another_vendors_connection_naming_both_types(
    mode: str, case: Any, cases: Any, connect: Any, sandbox: Any, nothing_was_sent: Any, everything_said: Any
) -> None:
    other = other_than(case, cases)
    hook = case.hook(connect(other.vendor, password=KEY))
    deeds = {
        "submit": lambda: hook.submit(case.request(sandbox), case.operation),
        "status": lambda: hook.status("ViiTor_AI_1"),
        "result": lambda: hook.result("ViiTor_AI_1"),
        "asubmit": lambda: asyncio.run(hook.asubmit(case.request(sandbox), case.operation)),
    }
    if mode == "test_connection":
        ok, said = hook.test_connection()
        assert not ok
    else:
        with pytest.raises(InvalidRequest) as refused:
            deeds[mode]()
        said = str(refused.value)
    assert f"its type is '{other.vendor}', another vendor's account" in said
    assert f"needs one of type '{case.vendor}'. Nothing was sent" in said
    assert KEY not in said + everything_said()
    assert nothing_was_sent()


@EACH_VENDOR
def test_operator_sensor_and_trigger_refuse_it_alike(
    case: Any, cases: Any, connect: Any, task: Any, sensor: Any, nothing_was_sent: Any
) -> None:
    conn_id = connect(other_than(case, cases).vendor)
    waits = {"job_id": "ViiTor_AI_1", case.conn_argument: conn_id}
    for made in (
        task(case, **{case.conn_argument: conn_id}),
        sensor(case, **waits),
        sensor(case, deferrable=False, **waits),
    ):
        with pytest.raises(InvalidRequest, match="another vendor's account"):
            made.run()
    trigger = VideoJobTrigger(vendor=case.vendor, operation=case.operation, conn_id=conn_id, job_ids="ViiTor_AI_1")

    async def event() -> Any:
        return [each async for each in trigger.run()]

    (seen,) = asyncio.run(event())
    assert "another vendor's account" in json.dumps(seen.payload)
    assert nothing_was_sent()


@pytest.mark.parametrize(("hook", "file"), [(TopviewHook, "a.mp4"), (CDNetworksHook, "a.mp4")])
def test_an_upload_refuses_it_alike(hook: Any, file: str, connect: Any, tmp_path: Path, nothing_was_sent: Any) -> None:
    (tmp_path / file).write_bytes(b"video")
    with pytest.raises(InvalidRequest, match="another vendor's account"):
        hook(connect("tencent_ivh")).upload(str(tmp_path / file))
    assert nothing_was_sent()


@EACH_VENDOR
@pytest.mark.parametrize("conn_type", FOREIGN)
def test_the_connection_of_another_service_is_refused(
    conn_type: str, case: Any, connect: Any, nothing_was_sent: Any
) -> None:
    with pytest.raises(InvalidRequest, match=f"its type is '{conn_type}', not an account of this vendor"):
        case.hook(connect(case.vendor, conn_type=conn_type)).status("ViiTor_AI_1")
    assert nothing_was_sent()


@EACH_VENDOR
@pytest.mark.parametrize("conn_type", [None, "", "generic", "own", "OWN", "with-dashes"])
def test_a_connection_of_no_type_or_of_the_vendors_own_works(conn_type: str | None, case: Any, connect: Any) -> None:
    own = {"own": case.vendor, "OWN": case.vendor.upper(), "with-dashes": case.vendor.replace("_", "-")}
    ok, said = case.hook(connect(case.vendor, conn_type=own.get(conn_type or "", conn_type))).test_connection()
    assert ok, said


@EACH_VENDOR
@pytest.mark.parametrize("scheme", ["own", ""])
def test_a_connection_written_as_a_uri_works(
    scheme: str, case: Any, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = json.loads(sandbox.connections()[f"AIRFLOW_CONN_{case.vendor.upper()}_DEFAULT"])
    host, port = sandbox.url.removeprefix("http://").split(":")
    prefix = f"{case.vendor.replace('_', '-')}:" if scheme else ""
    # Its own limit: CDNetworks' documented one may be used up by earlier tests, and would be waited for.
    rest = f"{fields['login']}:{fields['password']}@{host}:{port}/http?max_requests_per_minute=600"
    monkeypatch.setenv("AIRFLOW_CONN_AS_URI", f"{prefix}//{rest}")
    ok, said = case.hook("as_uri").test_connection()
    assert ok, said


@pytest.mark.parametrize(
    "rest", ["{login}:{password}@{host}", "{login}:{password}@/?timeout=60", "{login}:{password}@"]
)
def test_a_uri_with_an_underscore_in_its_scheme_is_refused_with_the_scheme_to_write(
    rest: str, monkeypatch: pytest.MonkeyPatch, nothing_was_sent: Any
) -> None:
    uri = "tencent_ivh://" + rest.format(login="APPKEY", password="hidden-token", host="gw.tvs.qq.com")
    monkeypatch.setenv("AIRFLOW_CONN_AS_URI", uri)
    with pytest.raises(
        InvalidRequest, match="Begin it with tencent-ivh://, or write the connection as JSON"
    ) as refused:
        TencentIVHHook("as_uri").status("1")
    assert "hidden-token" not in str(refused.value)
    assert nothing_was_sent()
