# SPDX-License-Identifier: Apache-2.0
"""A server that echoes what it was sent: login and password come back nowhere, and nothing keeps them."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import quote

import pytest

from airflow_provider_videoai.hooks.lookup import session_for
from airflow_provider_videoai.jobs.errors import SubmitRejected
from airflow_provider_videoai.jobs.http.rate_limit import RateLimit
from airflow_provider_videoai.jobs.polling import account_session
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from tests.support.cases import ONE_EACH

PASSWORD = "pass/word+9f8e7d-6c5b4a"
EACH_VENDOR = pytest.mark.parametrize("case", ONE_EACH, indirect=True)


class _Echo(ThreadingHTTPServer):
    """Answers every request with ``answer``, in which ECHO stands for what it was sent."""

    answer: Any = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Echo

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        echoed = f"{PASSWORD} in front, {'and ' * 66}{PASSWORD} and {quote(PASSWORD, safe='')} behind"
        text = json.dumps(self.server.answer).replace("ECHO", echoed).replace("BARE", PASSWORD)
        content = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture
def echo() -> Iterator[_Echo]:
    with _Echo() as running:
        thread = Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield running
        finally:
            running.shutdown()
            thread.join()


@pytest.fixture
def hook(case: Any, connect: Any, echo: _Echo) -> Any:
    return case.hook(connect(case.vendor, password=PASSWORD, host=f"http://127.0.0.1:{echo.server_port}"))


def leaked(text: str) -> bool:
    """Return whether any eight characters of the password are in a text, as they are or URL-encoded."""
    parts = [written[at : at + 8] for written in (PASSWORD, quote(PASSWORD, safe="")) for at in range(len(written) - 7)]
    return any(part in text for part in parts)


REFUSALS = {
    "viitor": {"code": 2001, "message": "ECHO"},
    "aidge": {"code": "InvalidParameter", "message": "ECHO"},
    "cdnetworks": {"code": 1000, "message": "ECHO"},
    "topview": {"code": "4000", "message": "ECHO"},
    "tencent_ivh": {"Header": {"Code": 100001, "Message": "ECHO"}},
}
MORE = {"echo": "ECHO", "bare": "BARE", "BARE": 1, "deep": [{"x": "ECHO"}]}
FAILED_JOBS = {
    "viitor": {
        "code": 0,
        "data": [{"taskId": "ViiTor_AI_1", "taskStatus": 5, "errorCode": "BARE", "updateTime": "ECHO"}],
    },
    "aidge": {"code": 0, "data": {"taskStatus": "failed", **MORE}, "message": "ECHO"},
    "cdnetworks": {"code": 200, "data": {"transNo": "ViiTor_AI_1", "status": 3, "taskId": "t", **MORE}},
    "topview": {"code": "200", "result": {"status": "failed", "errorMsg": "ECHO", **MORE}},
    "tencent_ivh": {
        "Header": {"Code": 0},
        "Payload": {"Status": "FAIL", "FailMessage": "ECHO", "FailCode": "BARE", **MORE},
    },
}


@EACH_VENDOR
def test_an_echoed_password_is_in_no_error_and_no_log(
    case: Any, hook: Any, echo: _Echo, sandbox: Any, everything_said: Any
) -> None:
    echo.answer = REFUSALS[case.vendor]
    with pytest.raises(SubmitRejected) as refused:
        hook.submit(case.request(sandbox), case.operation)
    assert "*** in front" in str(refused.value)
    assert not leaked(str(refused.value) + everything_said())
    assert not leaked(hook.test_connection()[1])


@EACH_VENDOR
def test_a_password_echoed_in_a_jobs_answer_is_nowhere_in_its_status(case: Any, hook: Any, echo: _Echo) -> None:
    echo.answer = FAILED_JOBS[case.vendor]
    status = hook.status("ViiTor_AI_1", case.operation)
    assert status.state.value == "failed"
    assert "***" in json.dumps(status.to_json())
    assert not leaked(json.dumps(status.to_json()))


@EACH_VENDOR
def test_no_registry_of_the_process_keeps_rotated_secrets(case: Any, connect: Any, echo: _Echo) -> None:
    echo.answer = FAILED_JOBS[case.vendor]
    host = f"http://127.0.0.1:{echo.server_port}"
    for turn in range(5):
        hook = case.hook(connect(case.vendor, password=f"{PASSWORD}-{turn}", host=host))
        hook.status("ViiTor_AI_1", case.operation)
    del hook
    gc.collect()
    kept = [each for each in gc.get_objects() if type(each) is Account and each.password.startswith(PASSWORD)]
    assert kept == []
    assert len(RateLimit._known) == 1, "a rotated password is the same account's: its limit goes on"
    assert not leaked(repr(RateLimit._known))


def test_a_lookup_in_an_event_loop_lets_go_of_the_account(connect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_session, "FRESH", 0.05)
    conn_id = connect("topview", password=PASSWORD)

    async def looked_up() -> list[Vendor]:
        first = await session_for("topview", conn_id)
        assert await session_for("topview", conn_id) is first
        del first
        await asyncio.sleep(0.1)
        gc.collect()
        return [
            each for each in gc.get_objects() if issubclass(type(each), Vendor) and each.account.password == PASSWORD
        ]

    assert asyncio.run(looked_up()) == []
