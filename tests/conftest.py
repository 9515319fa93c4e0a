# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E402 - Airflow's home has to be set before Airflow is imported
"""What the tests of Airflow's faces share: a sandbox and connections to it, one case an operator, and tasks."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Airflow writes a configuration into its home as soon as it is imported; not into the user's.
_HOME = tempfile.mkdtemp(prefix="videoai-tests-")
os.environ["AIRFLOW_HOME"] = _HOME

import pytest
from airflow.sdk.execution_time.xcom import XCom
from termination import unwind_on

from airflow_provider_videoai.jobs.http.rate_limit import RateLimit
from airflow_provider_videoai.jobs.polling import cadence
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from airflow_provider_videoai.jobs.submission import submitter
from airflow_provider_videoai.operators import capacity
from airflow_provider_videoai.sandbox import running_sandbox
from airflow_provider_videoai.triggers import job as trigger
from airflow_provider_videoai.triggers import progress_report
from airflow_provider_videoai.vendors.cdnetworks import CDNetworks
from tests.jobs.http.wire import RawServer
from tests.support.cases import CASES, Case
from tests.support.tasks import StateStore, Task, TaskInstance

QUEUE_SECONDS, RUN_SECONDS = 0.01, 0.05
INTERVAL = 0.02
WITH_AIRFLOW = 600
"""Seconds that a test may take which starts an Airflow or waits for its scheduler."""


def pytest_configure() -> None:
    unwind_on(signal.SIGTERM, way_out=KeyboardInterrupt)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("airflow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(WITH_AIRFLOW))


def pytest_unconfigure() -> None:
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    """Every operator in turn; `parametrize("case", [names], indirect=True)` picks some."""
    return CASES[request.param]


@pytest.fixture
def cases() -> Mapping[str, Case]:
    """All cases by name, for claims that one operator proves for all."""
    return CASES


# -- the sandbox -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _running() -> Iterator[Any]:
    with running_sandbox(queue_seconds=QUEUE_SECONDS, run_seconds=RUN_SECONDS) as running:
        yield running


@pytest.fixture
def sandbox(_running: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The sandbox as at its start, the five default connections that lead to it, and no memory of earlier tests."""
    _running.reset()
    for name, value in _running.connections().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(RateLimit, "_known", {})
    return _running


@pytest.fixture
def connect(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Make a further connection of a vendor, the default one with some fields changed; returns its id."""

    def connect(vendor: str, **changes: Any) -> str:
        conn_id = f"{vendor}_changed"
        fields = json.loads(sandbox.connections()[f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT"]) | changes
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))
        return conn_id

    return connect


@pytest.fixture
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll every few hundredths of a second instead of every few seconds, and resume as soon as there is an event."""
    monkeypatch.setattr(submitter, "GONE_AGAIN_AFTER", (INTERVAL, INTERVAL))
    for module in (trigger, capacity):
        monkeypatch.setattr(module, "LEAST_DEFERRAL", 0.0)
    monkeypatch.setattr(progress_report, "FIRST_WRITE", 0.0)
    monkeypatch.setattr(cadence, "FIRST_POLL", INTERVAL)
    monkeypatch.setattr(cadence, "_SHORTEST", INTERVAL)
    for vendor in (Vendor, CDNetworks):
        monkeypatch.setattr(vendor, "poll_floor", INTERVAL)


@pytest.fixture
def bought(sandbox: Any) -> Callable[[Case], list[str]]:
    """Return the ids of the jobs that the case's vendor accepted, oldest first."""

    def bought(case: Case) -> list[str]:
        books = sandbox.ledger(case.vendor)
        jobs = [entry["job_id"] for entry in books["submissions"] if entry["outcome"] == "accepted"]
        if case.charged:
            assert [charge["job_id"] for charge in books["charges"]] == jobs
        return jobs

    return bought


@pytest.fixture
def settled(bought: Callable[[Case], list[str]]) -> Callable[[Case], None]:
    """Wait until all the case's jobs have ended at the vendor."""

    def settled(case: Case) -> None:
        hook = case.hook(case.conn_id)
        deadline = time.monotonic() + 20
        while not all(status.state.terminal for status in hook.statuses(bought(case), case.operation).values()):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    return settled


@pytest.fixture
def free_port() -> int:
    """Return a port of this machine on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Serve a body, or a redirect, on the loopback interface; returns its URL."""
    answers: dict[str, tuple[int, dict[str, str], bytes]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answers[self.path]
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    def serve(
        body: bytes = b"", content_type: str = "video/mp4", *, status: int = 200, location: str | None = None
    ) -> str:
        path = f"/{len(answers)}"
        answers[path] = (
            (302, {"Location": location}, b"") if location else (status, {"Content-Type": content_type}, body)
        )
        return f"http://127.0.0.1:{server.server_port}{path}"

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield serve
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def raw_server() -> Iterator[RawServer]:
    """Give a server whose every byte a test decides, by its ``behave``."""
    server = RawServer()
    yield server
    server.stop()


# -- tasks ---


@pytest.fixture
def xcoms(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, int, str], str]:
    """The XComs of one DAG run; what the triggerer writes comes here as well."""
    kept: dict[tuple[str, int, str], str] = {}

    def set_(*, key: str, value: Any, task_id: str, map_index: int, **_: Any) -> None:
        kept[task_id, map_index, key] = json.dumps(value)

    def get_one(*, key: str, task_id: str, map_index: int = -1, **_: Any) -> Any:
        return json.loads(kept.get((task_id, map_index, key), "null"))

    def delete(*, key: str, task_id: str, map_index: int = -1, **_: Any) -> None:
        kept.pop((task_id, map_index, key), None)

    monkeypatch.setattr(XCom, "set", set_)
    monkeypatch.setattr(XCom, "get_one", get_one)
    monkeypatch.setattr(XCom, "delete", delete)
    return kept


@pytest.fixture
def task(sandbox: Any, xcoms: dict[Any, str]) -> Callable[..., Task]:
    """Make a task of a case's operator, with its request or a changed one."""
    # The ids that CDNetworks jobs get derive from the run: a new one for each test.
    run_id = f"manual__{uuid.uuid4().hex}"

    def task(case: Case, *, store: StateStore | None = None, map_index: int = -1, **arguments: Any) -> Task:
        request = case.request(sandbox)
        return Task(
            lambda: case.operator(task_id="make", **{**request, **arguments}),
            TaskInstance(xcoms, run_id, map_index=map_index),
            store or StateStore(),
        )

    return task


@pytest.fixture
def sensor(sandbox: Any, xcoms: dict[Any, str]) -> Callable[..., Task]:  # noqa: ARG001 - its connections
    """Make a task of a case's sensor."""

    def sensor(case: Case, job_id: Any, **arguments: Any) -> Task:
        ti = TaskInstance(xcoms, f"manual__{uuid.uuid4().hex}", task_id="wait")
        return Task(lambda: case.sensor(task_id="wait", job_id=job_id, **arguments), ti)

    return sensor


@pytest.fixture
def submitted(sandbox: Any) -> Callable[..., str]:
    """Submit a case's request through its hook; returns the job's id."""

    def submitted(case: Case, **changes: Any) -> str:
        job_id: str = case.hook(case.conn_id).submit(case.request(sandbox, **changes), case.operation)
        return job_id

    return submitted


@pytest.fixture
def everything_said(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """Return all that was logged or printed, down to DEBUG, through either of Airflow's two logging systems."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "aiohttp", "asyncio", "airflow", "airflow_provider_videoai"):
        caplog.set_level(logging.DEBUG, logger=name)

    def said() -> str:
        return caplog.text + "".join(capfd.readouterr())

    return said
