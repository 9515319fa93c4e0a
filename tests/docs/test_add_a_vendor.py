# SPDX-License-Identifier: Apache-2.0
"""The sixth vendor of the page "Add a vendor", run: its code is taken from the page, its server is below."""

from __future__ import annotations

import json
import sys
from ast import literal_eval
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from airflow_provider_videoai import get_provider_info, registry
from airflow_provider_videoai.jobs.errors import InvalidRequest, JobFailed, QuotaExceeded, SubmitUncertain
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.call import Answer, Call, json_body
from tests.support.which_airflow import TaskDeferred

PACKAGE = "airflow_provider_videoai"
LAYERS = ("vendors", "hooks", "operators", "sensors", "connections")
VIDEO = "https://example.com/clip.mp4"
RESULT = "https://cdn.example.com/large.mp4"


@pytest.fixture
def reelworks(page: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Make modules of the page's files, register its entry in the provider info, and return their names."""
    vendor_page = page("add-a-vendor.md")
    files = vendor_page.files()
    assert list(files) == [f"{PACKAGE}/{layer}/reelworks.py" for layer in LAYERS]
    found: dict[str, Any] = {}
    for path, source in files.items():
        module = ModuleType(path.removesuffix(".py").replace("/", "."))
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(source, path, "exec"), vars(module))  # noqa: S102 - the page's own code
        found |= vars(module)
    (line,) = (block for block in vendor_page.blocks("python") if block.startswith('    "reelworks": '))
    for vendor, hook in literal_eval("{" + line.strip() + "}").items():
        monkeypatch.setitem(registry.VENDORS, vendor, hook)
    return SimpleNamespace(**found)


class _Server(ThreadingHTTPServer):
    """Reelworks as the page describes it: a job is waiting, then working, then done."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.submitted: list[dict[str, Any]] = []
        self.asked: list[list[str]] = []
        self.ending: dict[str, Any] = {"status": "done", "progress": 100, "resultUrl": RESULT}

    def answer(self, path: str, body: dict[str, Any]) -> Any:
        if path == "/v1/upscale":
            self.submitted.append(body)
            return {"jobId": f"job-{len(self.submitted)}"}
        if path == "/v1/upscale/query":
            self.asked.append(body["jobIds"])
            seen: list[dict[str, Any]] = [{"status": "waiting"}, {"status": "working", "progress": 50}, self.ending]
            return [{"jobId": job_id, **seen[min(len(self.asked), 3) - 1]} for job_id in body["jobIds"]]
        return {"account": "acme"}


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        known = (self.headers["X-Account"], self.headers["X-Api-Key"]) == ("acme", "test-key")
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or b"{}")
        told = {"code": 0, "data": self.server.answer(self.path, body)} if known else {"code": 10, "message": "no"}
        content = json_body(told)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    with _Server() as running:
        thread = Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        connection = {"conn_type": "reelworks", "login": "acme", "password": "test-key"}
        host = f"http://127.0.0.1:{running.server_port}"
        monkeypatch.setenv("AIRFLOW_CONN_REELWORKS_DEFAULT", json.dumps({**connection, "host": host}))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        try:
            yield running
        finally:
            running.shutdown()
            thread.join()


def vendor_of(reelworks: SimpleNamespace) -> Any:
    account = Account(conn_id="c", host="https://api.reelworks.example", login="acme", password="test-key")
    return reelworks.Reelworks(account, lambda: 1_700_000_000.0)


def test_its_flow_submits_the_fields_under_the_vendors_names(reelworks: SimpleNamespace) -> None:
    request = reelworks.UpscaleRequest.parse({"video_url": VIDEO, "height": "1080"})
    flow = vendor_of(reelworks).submit(request, None)
    call: Call = next(flow)

    assert (call.path, call.buys, json.loads(call.body)) == ("/v1/upscale", True, {"videoUrl": VIDEO, "height": 1080})
    with pytest.raises(StopIteration) as end:
        flow.send(Answer(200, {}, json_body({"code": 0, "data": {"jobId": "job-1"}})))
    assert end.value.value == "job-1"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [(200, {"code": 30}, QuotaExceeded), (200, {"code": 0, "data": {}}, SubmitUncertain), (502, {}, SubmitUncertain)],
)
def test_its_refusals_are_typed_by_the_engine(
    reelworks: SimpleNamespace, status: int, body: dict[str, Any], kind: type[Exception]
) -> None:
    flow = vendor_of(reelworks).submit(reelworks.UpscaleRequest.parse({"video_url": VIDEO, "height": 1080}), None)
    next(flow)
    with pytest.raises(kind):
        flow.send(Answer(status, {}, json_body(body)))


def test_its_operator_submits_waits_and_returns_the_result(reelworks: SimpleNamespace, server: _Server) -> None:
    operator = reelworks.ReelworksUpscaleOperator(
        task_id="upscale", video_url=VIDEO, height=1080, deferrable=False, poll_interval=1
    )
    pushed: dict[str, Any] = {}

    def push(key: str, value: Any) -> None:
        pushed[key] = value

    ti = SimpleNamespace(dag_id="d", run_id="r", task_id="upscale", map_index=-1, xcom_push=push)
    result = operator.execute({"ti": ti})

    assert (result["vendor"], result["operation"], result["media_url"]) == ("reelworks", "upscale", RESULT)
    assert pushed["job_id"] == "job-1"
    assert pushed["video_job"]["vendor"] == "reelworks"
    assert (len(server.submitted), server.asked) == (1, [["job-1"]] * 3)


def test_its_operator_checks_literals_when_the_dag_is_parsed(reelworks: SimpleNamespace) -> None:
    with pytest.raises(InvalidRequest, match="height"):
        reelworks.ReelworksUpscaleOperator(task_id="upscale", video_url=VIDEO, height=100)


async def test_its_sensor_waits_in_the_trigger_that_is_there(reelworks: SimpleNamespace, server: _Server) -> None:
    sensor = reelworks.ReelworksUpscaleSensor(task_id="wait", job_id=["job-1", "job-2"], poll_interval=1)
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute({"ti": SimpleNamespace(xcom_push=lambda **_: None)})
    event = await anext(deferred.value.trigger.run())

    assert event.payload["outcome"] == "ended"
    assert [sorted(ids) for ids in server.asked] == [["job-1", "job-2"]] * 3


def test_its_failed_job_tells_the_vendors_reason(reelworks: SimpleNamespace, server: _Server) -> None:
    server.ending = {"status": "broken", "reason": "no picture in it"}
    server.asked = [["before"]] * 2
    with pytest.raises(JobFailed, match="no picture in it"):
        reelworks.ReelworksHook().result("job-1")


def test_its_connection_is_tested_without_buying(reelworks: SimpleNamespace, server: _Server) -> None:
    proven = "Reelworks accepted the credentials. Nothing was bought."
    assert reelworks.ReelworksHook().test_connection() == (True, proven)
    assert server.submitted == []


def test_its_connection_type_agrees_with_its_classes(reelworks: SimpleNamespace) -> None:
    hook, connection = reelworks.ReelworksHook, get_provider_info()["connection-types"][-1]
    module, _, name = connection["hook-class-name"].rpartition(".")
    assert getattr(sys.modules[module], name) is hook
    assert connection["connection-type"] == hook.conn_type == reelworks.Reelworks.key
    assert connection["hook-name"] == hook.hook_name
    assert connection["ui-field-behaviour"]["placeholders"]["host"] == reelworks.Reelworks.default_host
