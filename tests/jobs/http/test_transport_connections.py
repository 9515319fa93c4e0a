# SPDX-License-Identifier: Apache-2.0
"""What happens before anything of a request left, which connection it takes, and when it may leave."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from airflow_provider_videoai.jobs.errors import (
    VendorUnavailable,
)
from airflow_provider_videoai.jobs.http import transport as transport_module
from airflow_provider_videoai.jobs.http.aiohttp_session import AiohttpSession
from airflow_provider_videoai.jobs.http.connections import CONNECTIONS, open_pool
from airflow_provider_videoai.jobs.http.rate_limit import RateLimit
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.ledger.window import WINDOW
from airflow_provider_videoai.jobs.protocol.call import Answer, Call, json_body
from tests.jobs.protocol.playing import BOUGHT, LOOKED, Play, buy, keep_alive, look, told

pytestmark = [
    pytest.mark.filterwarnings("error"),  # an unclosed session, socket or loop warns
    pytest.mark.usefixtures("no_pause_between_connects", "no_proxy"),
]


@pytest.fixture(autouse=True, scope="module")
def nothing_is_left_open() -> Iterator[None]:
    yield
    gc.collect()  # what was left open warns now


# -- what can happen before anything left ----------------------------------------------------------------------


def certified(tmp_path: Path) -> ssl.SSLContext:
    """Make a TLS context whose certificate nobody trusts."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = dt.datetime.now(dt.UTC)
    certificate = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(1)).sign(
        key, hashes.SHA256()
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.fixture(
    params=["refused", "unknown name", "impossible name", "impossible address", "no TLS there", "hangs up", "untrusted"]
)
def unreachable(
    request: pytest.FixtureRequest, server: Any, closed_port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> str:
    def unknown(host: str, *_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, f"Name or service not known: {host}")

    match request.param:
        case "refused":
            return f"http://127.0.0.1:{closed_port}"
        case "unknown name":
            monkeypatch.setattr(socket, "getaddrinfo", unknown)
            return "https://vendor.test"
        case "impossible name":
            return "https://vendor..test"
        case "impossible address":
            return "https://vendor.test:99999"
        case "no TLS there":
            server.behave = lambda wire: wire.send(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        case "hangs up":
            server.behave = lambda wire: wire.close()
        case "untrusted":
            context = certified(tmp_path)
            server.behave = lambda wire: context.wrap_socket(wire._connection, server_side=True).recv(1)
    return f"https://127.0.0.1:{server.port}"


def test_submit_that_never_left_says_that_nothing_was_bought(
    open_lab: Any, server: Any, order: Any, play: Play, unreachable: str
) -> None:
    vendor = open_lab(host=unreachable)
    with pytest.raises(VendorUnavailable, match="nothing was sent, nothing was bought") as failure:
        play(vendor, buy(vendor, order))
    told(failure.value)
    assert server.requests == []


def test_poll_that_never_left_is_a_vendor_that_is_unavailable(open_lab: Any, play: Play, unreachable: str) -> None:
    vendor = open_lab(host=unreachable)
    with pytest.raises(VendorUnavailable, match="no connection to") as failure:
        play(vendor, look(vendor))
    assert "bought" not in told(failure.value)


def test_refused_connection_is_tried_again_because_nothing_left(
    open_lab: Any, start_server: Any, order: Any, play: Play, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers: list[Any] = []

    def open_late(_: Any) -> float:
        servers.append(start_server(closed_port))
        servers[0].behave = lambda wire: (wire.read(), wire.answer(json_body(BOUGHT)))
        return 0.0

    monkeypatch.setitem(transport_module._RETRY_CONNECT, "wait", open_late)
    vendor = open_lab(host=f"http://127.0.0.1:{closed_port}")
    assert play(vendor, buy(vendor, order)) == "job-1"
    assert len(servers[0].requests) == 1


# -- which connection a call takes -----------------------------------------------------------------------------


def test_submit_never_goes_over_aiohttp(
    open_lab: Any, server: Any, order: Any, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forbidden(_: AiohttpSession, call: Call, auth: httpx.Auth) -> Answer:
        raise AssertionError(f"{call.name} over aiohttp, which calls a lost answer a failed connect, signed {auth}")

    monkeypatch.setattr(AiohttpSession, "send", forbidden)
    server.behave = lambda wire: (wire.read(), wire.answer(json_body(BOUGHT)))
    vendor = open_lab(host=server.url)
    assert play(vendor, buy(vendor, order)) == "job-1"


def test_polls_beside_a_poller_share_a_connection_and_each_submit_has_its_own(
    open_lab: Any, server: Any, order: Any
) -> None:
    async def run() -> None:
        pool = open_pool(vendor.account)
        transport = Transport(vendor, rate_limit=RateLimit(None), pool=pool)
        for _ in range(5):
            await transport.arun(look(vendor))
        assert server.connections == 1
        for _ in range(2):
            await transport.arun(buy(vendor, order))
        assert server.connections == 3
        await pool.aclose()

    server.behave = keep_alive
    vendor = open_lab(host=server.url)
    asyncio.run(run())


def test_poll_on_a_kept_alive_connection_that_has_died_is_sent_again(open_lab: Any, server: Any) -> None:
    async def run() -> None:
        pool = open_pool(vendor.account)
        transport = Transport(vendor, rate_limit=RateLimit(None), pool=pool)
        for _ in range(10):
            await transport.arun(look(vendor))
        await pool.aclose()

    server.behave = lambda wire: (wire.read(), wire.answer(json_body(LOOKED)))  # and closes without a word
    vendor = open_lab(host=server.url)
    asyncio.run(run())


def test_transport_over_a_pool_shares_the_rate_limit_of_the_one_it_comes_from(open_lab: Any) -> None:
    async def run() -> None:
        pool = open_pool(open_lab().account)
        transport = Transport(open_lab(), rate_limit=RateLimit(None))
        assert transport.over(pool).rate_limit is transport.rate_limit
        await pool.aclose()

    asyncio.run(run())


def test_environments_proxy_is_used_by_submits_and_polls_alike(
    open_lab: Any, server: Any, order: Any, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.behave = lambda wire: wire.answer(json_body(BOUGHT if "/order" in wire.read() else LOOKED))
    monkeypatch.setenv("http_proxy", server.url)
    vendor = open_lab(host="http://vendor.test")
    assert play(vendor, buy(vendor, order)) == "job-1"
    assert "job-1" in play(vendor, look(vendor))
    assert [line.split("?")[0] for line in server.requests] == [
        "POST http://vendor.test/order",
        "POST http://vendor.test/look",
    ]


@pytest.mark.parametrize("proxied", [False, True])
def test_as_many_polls_are_under_way_as_the_poller_sends(
    open_lab: Any, server: Any, monkeypatch: pytest.MonkeyPatch, proxied: bool
) -> None:
    all_here, together = Event(), list[bool]()

    def behave(wire: Any) -> None:
        wire.read()
        if len(server.requests) >= CONNECTIONS:
            all_here.set()
        together.append(all_here.wait(10))  # before any is answered
        wire.answer(json_body(LOOKED))

    async def run() -> None:
        pool = open_pool(vendor.account)
        transport = Transport(vendor, rate_limit=RateLimit(None), pool=pool)
        await asyncio.gather(*(transport.arun(look(vendor)) for _ in range(CONNECTIONS)))
        await pool.aclose()

    server.behave = behave
    if proxied:
        monkeypatch.setenv("http_proxy", server.url)
    vendor = open_lab(host="http://vendor.test" if proxied else server.url)
    asyncio.run(run())
    assert together == [True] * CONNECTIONS


def test_host_outside_the_proxy_is_reached_directly(
    open_lab: Any, server: Any, play: Play, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.behave = lambda wire: (wire.read(), wire.answer(json_body(LOOKED)))
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    vendor = open_lab(host=server.url)
    assert "job-1" in play(vendor, look(vendor))


def test_proxy_that_opens_no_way_bought_nothing(
    open_lab: Any, server: Any, order: Any, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.behave = lambda wire: (wire.read(), wire.answer(b"", status=403))
    monkeypatch.setenv("https_proxy", server.url)
    vendor = open_lab(host="https://vendor.test")
    with pytest.raises(VendorUnavailable, match="nothing was bought"):
        play(vendor, buy(vendor, order))
    assert all(line.startswith("CONNECT vendor.test:443") for line in server.requests)


# -- the account's rate ----------------------------------------------------------------------------------------


def test_worker_sleeps_for_its_place(open_lab: Any, server: Any) -> None:
    server.behave = keep_alive
    vendor, slept = open_lab(host=server.url), list[float]()
    transport = Transport(vendor, rate_limit=RateLimit(2), sleep=slept.append)
    for _ in range(3):
        transport.run(look(vendor))
    assert len(slept) == 1
    assert slept[0] == pytest.approx(WINDOW, abs=1)


def test_request_that_waited_while_the_vendor_asked_for_silence_waits_anew(open_lab: Any, server: Any) -> None:
    """Several tasks share an account: what one of them was told holds for those that wait already."""
    server.behave = keep_alive
    vendor, rate_limit, slept = open_lab(host=server.url), RateLimit(None), list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 1:
            rate_limit.back_off(500, time.monotonic())

    rate_limit.back_off(5, time.monotonic())
    Transport(vendor, rate_limit=rate_limit, sleep=sleep).run(look(vendor))
    assert slept == [pytest.approx(5, abs=1), pytest.approx(500, abs=1)]
    assert len(server.requests) == 1


def test_accounts_of_one_process_share_their_limit(open_lab: Any) -> None:
    ours, theirs = open_lab(conn_id="shared"), open_lab(conn_id="shared")
    assert Transport(ours).rate_limit is Transport(theirs).rate_limit
    assert Transport(ours).rate_limit is Transport(open_lab(conn_id="the same account")).rate_limit
    assert Transport(ours).rate_limit is not Transport(open_lab(host="https://other.test")).rate_limit
