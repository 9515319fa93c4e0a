# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, cast

import pytest

from airflow_provider_videoai.jobs.http import transport as transport_module
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.options import ConnectionOptions
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from tests.jobs.http.wire import RawServer
from tests.jobs.polling.lab import NOW, VENDORS, Lab, Order, Reprint, ScriptedTransport
from tests.jobs.polling.skipping import SkippingLoop
from tests.jobs.protocol.playing import PLAYS, Play
from tests.jobs.submission.desk import Desk


@pytest.fixture
def open_lab() -> Callable[..., Vendor]:
    """Make a test vendor by its key; keywords are the account's fields, or replace the vendor's class attributes."""

    def make(key: str = "lab", **values: Any) -> Vendor:
        given = {name: values.pop(name) for name in list(values) if name in Account.__dataclass_fields__}
        account: dict[str, Any] = {
            "conn_id": "test_conn",
            "host": Lab.default_host,
            "login": "me",
            "password": "hunter2",
        } | given
        options = {name: values.pop(name) for name in list(values) if name in ConnectionOptions.model_fields}
        account["options"] = ConnectionOptions(**options)
        vendor: type[Vendor] = type("Altered", (VENDORS[key],), values) if values else VENDORS[key]
        return vendor(Account(**account), lambda: NOW)

    return make


@pytest.fixture
def order() -> Callable[..., Order]:
    return lambda film="sunset", **more: Order(film=film, **more)


@pytest.fixture
def reprint() -> Callable[..., Reprint]:
    return Reprint


@pytest.fixture
def start_server() -> Iterator[Callable[..., RawServer]]:
    """Start a server, on a free port or a given one."""
    running: list[RawServer] = []

    def start(port: int = 0) -> RawServer:
        running.append(RawServer(port))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def server(start_server: Callable[..., RawServer]) -> RawServer:
    return start_server()


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def skip_time() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run a coroutine in a loop that skips time; ``asyncio.get_running_loop().time()`` is epoch seconds there."""

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=SkippingLoop) as runner:
            return runner.run(coroutine)

    return run


@pytest.fixture
def scripted() -> type[ScriptedTransport]:
    return ScriptedTransport


@pytest.fixture
def desk(open_lab: Any) -> Desk:
    return Desk(open_lab("lab"))


@pytest.fixture
def own_id_desk(open_lab: Any) -> Desk:
    return Desk(open_lab("own_id_lab"))


@pytest.fixture(params=PLAYS, ids=lambda play: play.__name__)
def play(request: pytest.FixtureRequest) -> Play:
    return cast(Play, request.param)


@pytest.fixture
def no_pause_between_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(transport_module._RETRY_CONNECT, "wait", lambda _: 0)


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
