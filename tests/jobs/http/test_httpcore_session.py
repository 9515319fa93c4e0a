# SPDX-License-Identifier: Apache-2.0
"""The time of one request: whatever a server or a proxy does, it ends at its deadline, and in a typed error."""

from __future__ import annotations

import asyncio
import gc
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import SubmitUncertain, VendorUnavailable, VideoAIError
from airflow_provider_videoai.jobs.http.rate_limit import RateLimit
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.protocol.call import Call, json_body
from benchmarks.certificates import write_certificates
from tests.jobs.http.wire import CHUNKED, HEAD, PIECE, Wire
from tests.jobs.protocol.playing import BOUGHT, LOOKED, Play, buy, keep_alive, look, on_a_worker, one, told

pytestmark = [
    pytest.mark.filterwarnings("error"),  # an unclosed session, socket or loop warns
    pytest.mark.usefixtures("no_pause_between_connects", "no_proxy"),
]

SOON = 0.5
"""Seconds that a request may take if the deadline is to pass."""


@pytest.fixture(autouse=True, scope="module")
def nothing_is_left_open() -> Iterator[None]:
    yield
    gc.collect()  # what was left open warns now


def again_and_again(begin: bytes, piece: bytes, pause: float) -> Callable[[Wire], None]:
    """Answer with a beginning, then the same piece until the peer leaves."""

    def behave(wire: Wire) -> None:
        wire.read()
        wire.send(begin)
        while not wire.server.stopping.wait(pause):
            wire.send(piece)

    return behave


# -- time ------------------------------------------------------------------------------------------------------

SLOW = {
    "status line": (b"HTTP/1.1 200 ", b"O"),
    "head": (HEAD + b"X: ", b"a"),
    "headers": (HEAD, b"X: a\r\n"),
    "informational responses": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "body": (HEAD + b"Content-Length: 4000\r\n\r\n", b" "),
    "body without length": (HEAD + b"\r\n", b" "),
    "chunk size": (CHUNKED, b"0"),
    "chunk extension": (CHUNKED + b"2;x=", b"a"),
    "chunks": (CHUNKED, b"1\r\n \r\n"),
    "trailers": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: a\r\n"),
    "empty deflate blocks": (HEAD + b"Content-Encoding: deflate\r\n\r\n\x78\x9c", b"\x00\x00\x00\xff\xff"),
}


@pytest.mark.parametrize(
    ("part", "proxied"), [*((part, False) for part in SLOW), ("head", True), ("informational responses", True)]
)
def test_answer_that_trickles_in_is_given_up_at_the_deadline(
    open_lab: Any,
    server: Any,
    order: Any,
    play: Play,
    part: str,
    proxied: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.behave = again_and_again(*SLOW[part], 0.02)
    if proxied:
        monkeypatch.setenv("http_proxy", server.url)
    vendor = open_lab(host="http://vendor.test" if proxied else server.url, timeout=SOON)
    with pytest.raises(VendorUnavailable, match="no answer in time"):
        play(vendor, look(vendor))
    with pytest.raises(SubmitUncertain, match="may have been bought"):
        play(vendor, buy(vendor, order))
    assert len(server.requests) <= 2


def test_server_that_reads_nothing_is_given_up_at_the_deadline(open_lab: Any, server: Any, play: Play) -> None:
    server.behave = lambda wire: wire.server.stopping.wait(5)
    vendor = open_lab(host=server.url, timeout=SOON)
    with pytest.raises(SubmitUncertain, match="no answer in time"):
        play(vendor, one(Call(name="order", path="/order", body=b" " * 50_000_000, buys=True)))


def silent(wire: Wire) -> None:
    wire.server.stopping.wait(5)


def half_a_tls_record(wire: Wire) -> None:
    wire.wait_for_bytes()
    wire.send(b"\x16\x03\x03\x40\x00")
    while not wire.server.stopping.wait(0.02):
        wire.send(b"\x00")


def trickling_connect(wire: Wire) -> None:
    again_and_again(b"HTTP/1.1 200 ", b"O", 0.02)(wire)


def informational_connect(wire: Wire) -> None:
    again_and_again(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.02)(wire)


@pytest.mark.parametrize(
    ("behaviour", "proxied"),
    [
        (silent, False),
        (half_a_tls_record, False),
        (silent, True),
        (trickling_connect, True),
        (informational_connect, True),
    ],
)
def test_deadline_that_passes_before_the_request_left_bought_nothing(
    open_lab: Any,
    server: Any,
    order: Any,
    play: Play,
    monkeypatch: pytest.MonkeyPatch,
    behaviour: Any,
    proxied: bool,
) -> None:
    server.behave = behaviour
    if proxied:
        monkeypatch.setenv("https_proxy", f"http://me:s3cret@127.0.0.1:{server.port}")
    vendor = open_lab(host="https://vendor.test" if proxied else f"https://127.0.0.1:{server.port}", timeout=SOON)
    with pytest.raises(VendorUnavailable, match=r"no answer in time.*nothing was bought") as failure:
        play(vendor, buy(vendor, order))
    assert server.connections == 1, "the attempts share one deadline"
    assert (f"through the proxy 127.0.0.1:{server.port} of https_proxy" in told(failure.value)) is proxied
    assert "s3cret" not in told(failure.value)


@pytest.fixture
def full() -> Iterator[str]:
    """Return the address of a server that accepts no connection any more."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_connection_that_nobody_accepts_is_given_up_at_the_deadline(
    open_lab: Any, order: Any, play: Play, full: str
) -> None:
    vendor = open_lab(host=full, timeout=SOON)
    with pytest.raises(VendorUnavailable, match=r"no answer in time.*nothing was bought"):
        play(vendor, buy(vendor, order))


def test_name_that_is_not_resolved_is_given_up_at_the_deadline(
    open_lab: Any, order: Any, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(1) and [])
    vendor = open_lab(host="https://vendor.test", timeout=SOON)
    with pytest.raises(VendorUnavailable, match=r"no answer in time.*nothing was bought"):
        play(vendor, buy(vendor, order))
    over.set()


def test_address_that_is_dead_leaves_time_for_the_next(
    open_lab: Any, server: Any, full: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.behave = lambda wire: (wire.read(), wire.answer(json_body(LOOKED)))
    dead = int(full.rpartition(":")[2])

    def routed(address: tuple[str, int], seconds: float) -> socket.socket:
        connection = socket.socket()
        connection.settimeout(seconds)
        try:
            connection.connect(("127.0.0.1", dead if address[0] == "192.0.2.1" else server.port))
        except OSError:
            connection.close()
            raise
        return connection

    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 80)) for host in ("192.0.2.1", "192.0.2.2")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(socket, "create_connection", routed)
    vendor = open_lab(host="http://vendor.test", timeout=2)
    assert "job-1" in on_a_worker(vendor, look(vendor))


def test_attempts_to_connect_share_one_deadline(open_lab: Any, server: Any, order: Any, play: Play) -> None:
    server.behave = lambda wire: wire.server.stopping.wait(0.3)  # and hangs up
    vendor = open_lab(host=f"https://127.0.0.1:{server.port}", timeout=SOON)
    with pytest.raises(VendorUnavailable, match="nothing was bought"):
        play(vendor, buy(vendor, order))
    assert server.connections == 2


@pytest.mark.parametrize("blocking", [True, False])
def test_waiting_for_the_rate_limit_takes_nothing_of_the_deadline(open_lab: Any, server: Any, blocking: bool) -> None:
    server.behave = lambda wire: (wire.read(), wire.answer(json_body(LOOKED)))
    vendor, rate_limit = open_lab(host=server.url, timeout=SOON), RateLimit(None)
    rate_limit.back_off(2 * SOON, time.monotonic())
    transport = Transport(vendor, rate_limit=rate_limit)
    found = transport.run(look(vendor)) if blocking else asyncio.run(transport.arun(look(vendor)))
    assert "job-1" in found


def test_blocking_call_works_within_a_running_loop_and_on_any_thread(open_lab: Any, server: Any, order: Any) -> None:
    async def notebook() -> Any:
        return on_a_worker(vendor, buy(vendor, order)), await asyncio.to_thread(on_a_worker, vendor, buy(vendor, order))

    server.behave = lambda wire: (wire.read(), wire.answer(json_body(BOUGHT)))
    vendor = open_lab(host=server.url)
    assert asyncio.run(notebook()) == ("job-1", "job-1")


# -- TLS, private authorities, proxies -------------------------------------------------------------------------


def tls_server(server: Any, context: ssl.SSLContext, behave: Callable[[Wire], Any]) -> None:
    def secured(wire: Wire) -> None:
        with context.wrap_socket(wire._connection, server_side=True) as connection:
            behave(Wire(server, connection))

    server.behave = secured


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_private_authority_of_the_environment_is_trusted(
    open_lab: Any, server: Any, order: Any, play: Play, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    trusted, certificate = write_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    tls_server(server, context, lambda wire: wire.answer(json_body(BOUGHT if "/order" in wire.read() else LOOKED)))
    vendor = open_lab(host=f"https://127.0.0.1:{server.port}")
    with pytest.raises(VendorUnavailable, match="its TLS certificate is not trusted"):
        play(vendor, buy(vendor, order))
    monkeypatch.setenv(name, str(trusted))
    assert play(vendor, buy(vendor, order)) == "job-1"
    assert "job-1" in play(vendor, look(vendor))


@pytest.mark.parametrize("secured", [False, True], ids=["http proxy", "https proxy"])
def test_tunnel_through_a_proxy_carries_requests_within_the_deadline(
    open_lab: Any,
    start_server: Any,
    order: Any,
    play: Play,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    secured: bool,
) -> None:
    trusted, certificate = write_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    vendor_side, proxy = start_server(), start_server()
    tls_server(vendor_side, context, keep_alive)

    def tunnel(wire: Wire) -> None:
        wire.read()
        with socket.create_connection(("127.0.0.1", vendor_side.port)) as onward:
            wire.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            relay(wire._connection, onward)

    tls_server(proxy, context, tunnel) if secured else setattr(proxy, "behave", tunnel)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    monkeypatch.setenv("HTTPS_PROXY", f"{'https' if secured else 'http'}://127.0.0.1:{proxy.port}")
    vendor = open_lab(host=f"https://127.0.0.1:{vendor_side.port}")
    assert play(vendor, buy(vendor, order)) == "job-1"
    assert "job-1" in play(vendor, look(vendor))
    tls_server(vendor_side, context, again_and_again(HEAD + b"X: ", b"a", 0.02))
    hurried = open_lab(host=vendor.account.host, timeout=SOON)
    with pytest.raises(SubmitUncertain, match=r"through the proxy .* of HTTPS_PROXY.*no answer in time"):
        play(hurried, buy(hurried, order))


def relay(client: socket.socket, onward: socket.socket) -> None:
    """Carry bytes both ways between two connections until one of them ends."""
    other = {client: onward, onward: client}
    while True:
        for source in select.select(other, [], [], 5)[0]:
            while piece := source.recv(PIECE):
                other[source].sendall(piece)
                if not (isinstance(source, ssl.SSLSocket) and source.pending()):
                    break
            else:
                return


def test_login_of_a_proxy_is_sent_to_the_proxy(
    open_lab: Any, server: Any, order: Any, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = []

    def behave(wire: Wire) -> None:
        wire.wait_for_bytes()
        heads.append(wire._connection.recv(PIECE, socket.MSG_PEEK))
        wire.read()
        wire.answer(b"", status=407)

    server.behave = behave
    monkeypatch.setenv("https_proxy", f"http://m%C3%A9:s3cret@127.0.0.1:{server.port}")
    vendor = open_lab(host="https://vendor.test")
    with pytest.raises(VendorUnavailable, match=r"the proxy refused the connection: HTTP 407.*nothing was bought"):
        play(vendor, buy(vendor, order))
    assert b"Proxy-Authorization: Basic bcOpOnMzY3JldA==\r\n" in heads[0]


def test_what_the_environment_says_wrongly_bought_nothing_and_is_named(
    open_lab: Any, order: Any, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://proxy.test")
    vendor = open_lab(host="https://vendor.test")
    with pytest.raises(VideoAIError, match="environment variable HTTPS_PROXY"):
        play(vendor, buy(vendor, order))
