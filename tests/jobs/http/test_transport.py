# SPDX-License-Identifier: Apache-2.0
"""Each fate of a request that left, met by a worker, by an event loop, and beside a poller: always one outcome."""

from __future__ import annotations

import gc
import gzip
import json
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    QuotaExceeded,
    SubmitRejected,
    SubmitUncertain,
    VendorUnavailable,
)
from airflow_provider_videoai.jobs.http.attempt import MAX_BODY
from airflow_provider_videoai.jobs.protocol.call import Flow, json_body
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from tests.jobs.protocol.playing import BOUGHT, LOOKED, Play, beside_a_poller, buy, look, told

pytestmark = [
    pytest.mark.filterwarnings("error"),  # an unclosed session, socket or loop warns
    pytest.mark.usefixtures("no_pause_between_connects", "no_proxy"),
]


@pytest.fixture(autouse=True, scope="module")
def nothing_is_left_open() -> Iterator[None]:
    yield
    gc.collect()  # what was left open warns now


# -- answers ---------------------------------------------------------------------------------------------------


def test_answer_reaches_the_flow(open_lab: Any, server: Any, order: Any, play: Play) -> None:
    def behave(wire: Any) -> None:
        wire.answer(json_body(BOUGHT if "/order" in wire.read() else LOOKED))

    server.behave = behave
    vendor = open_lab(host=server.url)
    assert play(vendor, buy(vendor, order)) == "job-1"
    assert play(vendor, look(vendor))["job-1"].progress == 40
    assert [line.split()[1].split("?")[0] for line in server.requests] == ["/order", "/look"]
    assert all("signature=s1gnatur3" in line for line in server.requests)


def test_path_of_the_connections_host_is_kept(open_lab: Any, server: Any, play: Play) -> None:
    server.behave = lambda wire: (wire.read(), wire.answer(json_body(LOOKED)))
    vendor = open_lab(host=f"{server.url}/gateway/v2")
    play(vendor, look(vendor))
    assert server.requests[0].startswith("POST /gateway/v2/look?")


def test_compressed_answer_is_read(open_lab: Any, server: Any, play: Play) -> None:
    packed = gzip.compress(json_body(LOOKED), mtime=0)
    server.behave = lambda wire: (wire.read(), wire.answer(packed, headers=["Content-Encoding: gzip"]))
    vendor = open_lab(host=server.url)
    assert "job-1" in play(vendor, look(vendor))


def test_flow_of_several_calls_is_played_to_its_end(open_lab: Any, server: Any, play: Play) -> None:
    def behave(wire: Any) -> None:
        wire.answer(json_body(LOOKED if "/look" in wire.read() else {"code": 0, "url": "http://media.test/a.mp4"}))

    def flow(vendor: Vendor) -> Flow[str]:
        found = yield from look(vendor)
        return (yield from vendor.result("develop", found["job-1"])).media_url or ""

    server.behave = behave
    vendor = open_lab(host=server.url)
    assert play(vendor, flow(vendor)) == "http://media.test/a.mp4"


def test_flow_may_catch_a_lost_answer_and_go_on(open_lab: Any, server: Any, order: Any, play: Play) -> None:
    def behave(wire: Any) -> None:
        if "/order" in wire.read():
            wire.reset()
        else:
            wire.answer(json_body(LOOKED))

    def settled(vendor: Vendor) -> Flow[Any]:
        try:
            return (yield from buy(vendor, order))
        except SubmitUncertain:
            return (yield from look(vendor))

    server.behave = behave
    vendor = open_lab(host=server.url)
    assert "job-1" in play(vendor, settled(vendor))
    assert len(server.requests) == 2


def test_missing_credentials_send_nothing(open_lab: Any, server: Any, order: Any, play: Play) -> None:
    vendor = open_lab(host=server.url, password="")
    with pytest.raises(AuthenticationFailed):
        play(vendor, buy(vendor, order))
    assert server.connections == 0


# -- what can happen after the request left --------------------------------------------------------------------


def reset_before_reading(wire: Any) -> None:
    wire.wait_for_bytes()
    wire.reset()


def reset_after_reading(wire: Any) -> None:
    wire.read()
    wire.reset()


def close_without_an_answer(wire: Any) -> None:
    wire.read()


def half_a_body(wire: Any) -> None:
    wire.read()
    wire.send(b'HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{"code": 0, "id"')


def half_a_head(wire: Any) -> None:
    wire.read()
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Le")


def silence(wire: Any) -> None:
    wire.read()
    wire.server.stopping.wait(5)


def trickle(wire: Any) -> None:
    wire.read()
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n")
    while not wire.server.stopping.wait(0.02):
        wire.send(b" ")


def html_502(wire: Any) -> None:
    wire.read()
    wire.answer(b"<html>Bad gateway at /order?signature=s1gnatur3</html>", status=502)


def json_500(wire: Any) -> None:
    wire.read()
    wire.answer(b'{"error": "oops"}', status=500)


def html_200(wire: Any) -> None:
    wire.read()
    wire.answer(b"<html>Welcome to this hotel's wifi</html>")


def empty_200(wire: Any) -> None:
    wire.read()
    wire.answer(b"")


def endless_body(wire: Any) -> None:
    wire.read()
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (10 * MAX_BODY))
    for _ in range(MAX_BODY // 65536 + 1):
        wire.send(b" " * 65536)
    wire.server.stopping.wait(5)


def not_http(wire: Any) -> None:
    wire.read()
    wire.send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")


def bad_gzip(wire: Any) -> None:
    wire.read()
    wire.answer(b"this is not gzip", headers=["Content-Encoding: gzip"])


LOST = [
    reset_before_reading,
    reset_after_reading,
    close_without_an_answer,
    half_a_body,
    half_a_head,
    silence,
    trickle,
    html_502,
    json_500,
    html_200,
    empty_200,
    endless_body,
    not_http,
    bad_gzip,
]


# aiohttp cannot distinguish these from a connection that was never made; another poll costs nothing.
DROPPED = [reset_before_reading, reset_after_reading, close_without_an_answer, half_a_head]


def patience_for(behaviour: Any) -> float:
    return 0.25 if behaviour in (silence, trickle) else 5.0


@pytest.mark.parametrize("behaviour", LOST, ids=lambda behaviour: behaviour.__name__)
def test_submit_whose_answer_is_lost_is_sent_once_and_uncertain(
    open_lab: Any, server: Any, order: Any, play: Play, behaviour: Any
) -> None:
    server.behave = behaviour
    vendor = open_lab(host=server.url, timeout=patience_for(behaviour))
    with pytest.raises(SubmitUncertain) as failure:
        play(vendor, buy(vendor, order))
    assert "may have been bought" in told(failure.value)
    assert server.connections == 1
    assert len(server.requests) <= 1


@pytest.mark.parametrize("behaviour", LOST, ids=lambda behaviour: behaviour.__name__)
def test_poll_whose_answer_is_lost_is_a_vendor_that_is_unavailable(
    open_lab: Any, server: Any, play: Play, behaviour: Any
) -> None:
    server.behave = behaviour
    vendor = open_lab(host=server.url, timeout=patience_for(behaviour))
    with pytest.raises(VendorUnavailable) as failure:
        play(vendor, look(vendor))
    assert "bought" not in told(failure.value)
    assert server.connections == (3 if play is beside_a_poller and behaviour in DROPPED else 1)


def test_overlong_answer_is_not_read_to_its_end(open_lab: Any, server: Any, play: Play) -> None:
    server.behave = endless_body
    vendor = open_lab(host=server.url)
    with pytest.raises(VendorUnavailable, match="its answer is longer than 8 MiB"):
        play(vendor, look(vendor))


def test_trickling_answer_takes_no_longer_than_a_request_may(open_lab: Any, server: Any, play: Play) -> None:
    server.behave = trickle
    vendor = open_lab(host=server.url, timeout=0.3)
    began = time.monotonic()
    with pytest.raises(VendorUnavailable):
        play(vendor, look(vendor))
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("target", ["{url}/elsewhere?signature=x", "http://[::bad", "a" * 7000, ""])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_is_not_followed(open_lab: Any, server: Any, order: Any, play: Play, status: int, target: str) -> None:
    server.behave = lambda wire: (
        wire.read(),
        wire.answer(b"", status=status, headers=[f"Location: {target.format(url=server.url)}"]),
    )
    vendor = open_lab(host=server.url)
    with pytest.raises(SubmitRejected) as refused:
        play(vendor, buy(vendor, order))
    assert "Nothing was bought" in told(refused.value)
    with pytest.raises(VendorUnavailable):
        play(vendor, look(vendor))
    assert [line.split("?")[0] for line in server.requests] == ["POST /order", "POST /look"]


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (lambda: "7", 7.0),
        (lambda: formatdate(1_700_000_000 + 90, usegmt=True), 90.0),
        (lambda: formatdate(1_700_000_000 - 90, usegmt=True), 0.0),
        (lambda: "soon", None),
    ],
    ids=["seconds", "date", "date that has passed", "unreadable"],
)
def test_429_says_how_long_to_wait(
    open_lab: Any, server: Any, order: Any, play: Play, given: Callable[[], str], seconds: float | None
) -> None:
    server.behave = lambda wire: (
        wire.read(),
        wire.answer(b"slow down", status=429, headers=[f"Retry-After: {given()}"]),
    )
    vendor = open_lab(host=server.url)
    for flow in (buy(vendor, order), look(vendor)):
        with pytest.raises(QuotaExceeded) as full:
            play(vendor, flow)
        assert full.value.retry_after == seconds
        told(full.value)
    assert len(server.requests) == 2


def test_body_is_sent_as_it_was_signed(open_lab: Any, server: Any, order: Any, play: Play) -> None:
    bodies = []

    def behave(wire: Any) -> None:
        receive = wire._receive

        def spy() -> None:
            receive()
            bodies.append(wire._unread)

        wire._receive = spy
        wire.read()
        wire.answer(json_body(BOUGHT))

    server.behave = behave
    vendor = open_lab(host=server.url)
    play(vendor, vendor.submit(order("caf\u00e9"), None))
    assert json.loads(bodies[-1].rpartition(b"\r\n\r\n")[2]) == {"film": "caf\u00e9", "id": None}
    assert "caf\u00e9".encode() in bodies[-1]
