# SPDX-License-Identifier: Apache-2.0
"""Every download ends with one complete version of the file or with a typed error, for any behaviour of its server."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import repeat

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import ResultUnavailable, VendorUnavailable, VideoAIError
from airflow_provider_videoai.media import attempts, download
from tests.jobs.http.wire import RawServer, Wire
from tests.media.conftest import Fetch
from tests.support.origin import Framing, Lie, Origin, Step, Validator

SIZE = 60
FILE = bytes(range(SIZE))
OTHER = bytes(reversed(range(SIZE)))
MAX_REQUESTS = attempts.MAX_ATTEMPTS + 1

steps = st.builds(
    Step,
    cut=st.none() | st.integers(0, SIZE),
    lie=st.none() | st.none() | st.sampled_from(Lie),
    changes=st.booleans(),
)
contents = st.binary(min_size=1, max_size=SIZE)


def origins(framing: st.SearchStrategy[Framing]) -> st.SearchStrategy[Origin]:
    return st.builds(
        Origin,
        versions=st.lists(contents, min_size=1, max_size=3, unique=True),
        steps=st.lists(steps, max_size=12),
        ranges=st.booleans(),
        minds_if_range=st.booleans(),
        validator=st.sampled_from(Validator),
        framing=framing,
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(origin=origins(st.sampled_from([Framing.LENGTH, Framing.CHUNKED])))
@example(origin=Origin([FILE, OTHER], [Step(cut=30, changes=True)], validator=Validator.NONE))
@example(origin=Origin([FILE, OTHER], [Step(cut=30, changes=True)], validator=Validator.WEAK))
@example(origin=Origin([FILE, OTHER], [Step(cut=30, changes=True)], minds_if_range=False, validator=Validator.DATE))
@example(origin=Origin([FILE, FILE[:40]], [Step(cut=50, changes=True)]))
def test_every_transfer_ends_with_one_version_whole_or_a_typed_error(fetch: Fetch, origin: Origin) -> None:
    with suppress(VideoAIError):
        assert fetch(origin) in origin.versions
    assert len(origin.requests) <= MAX_REQUESTS


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    cuts=st.lists(st.integers(0, SIZE - 1), max_size=4, unique=True),
    ranges=st.booleans(),
    framing=st.sampled_from(Framing),
)
def test_a_few_interruptions_do_not_prevent_a_complete_file(
    fetch: Fetch, cuts: list[int], ranges: bool, framing: Framing
) -> None:
    steps = [Step(cut=cut) for cut in sorted(cuts)]
    assert fetch(Origin([FILE], steps, ranges=ranges, framing=framing)) == FILE


def test_received_bytes_are_kept_if_a_validator_proves_the_same_file(fetch: Fetch) -> None:
    for validator in (Validator.ETAG, Validator.DATE):
        origin = Origin([FILE], [Step(cut=7)] * 5, validator=validator)
        assert fetch(origin) == FILE
        assert origin.sent == SIZE


@pytest.mark.parametrize("validator", [Validator.WEAK, Validator.NONE])
def test_a_file_without_a_validator_is_downloaded_from_its_start(fetch: Fetch, validator: Validator) -> None:
    origin = Origin([FILE], [Step(cut=50)], validator=validator)
    assert fetch(origin) == FILE
    assert origin.sent == 50 + SIZE
    assert not any("\r\nRange:" in head for head in origin.requests)


ENDLESS: dict[str, Origin] = {
    "the same break, without ranges": Origin([FILE], [Step(cut=30)] * 1000, ranges=False),
    "a byte more each time, without ranges": Origin([FILE], [Step(cut=n) for n in range(SIZE)] * 20, ranges=False),
    "a new tag each time": Origin([FILE], [Step(cut=30)] * 1000, validator=Validator.ALWAYS_NEW),
    "a byte less each time": Origin([FILE], [Step(cut=n) for n in range(SIZE - 1, 0, -1)] * 20, ranges=False),
    "nothing at all": Origin([FILE], [Step(cut=0)] * 1000),
    "another part each time": Origin([FILE], [Step(cut=9), *[Step(lie=Lie.WRONG_RANGE)] * 1000]),
    "several parts each time": Origin([FILE], [Step(cut=9), *[Step(lie=Lie.MULTIPART)] * 1000]),
    "no such range each time": Origin([FILE], [Step(cut=9), *[Step(lie=Lie.NOT_SATISFIABLE)] * 1000]),
    "more announced than there is": Origin([FILE], [Step(lie=Lie.LONGER)] * 1000),
}


@pytest.mark.parametrize("origin", ENDLESS.values(), ids=ENDLESS)
def test_a_server_that_never_sends_the_whole_file_is_given_up_with_a_reason(fetch: Fetch, origin: Origin) -> None:
    with pytest.raises(VendorUnavailable, match=r"media cannot be fetched for now: .*(no progress|restarted)"):
        fetch(origin)
    assert len(origin.requests) <= attempts.MAX_RESTARTS + attempts.MAX_FRUITLESS


def test_one_more_byte_per_attempt_ends_if_the_bytes_are_kept(fetch: Fetch) -> None:
    origin = Origin([bytes(1000)], [Step(cut=1)] * 1000)
    with pytest.raises(VendorUnavailable, match="incomplete after 100 attempts"):
        fetch(origin)
    assert len(origin.requests) == attempts.MAX_ATTEMPTS


def test_a_file_of_unknown_length_is_kept_once_it_was_received_twice_alike(fetch: Fetch) -> None:
    origin = Origin([FILE], [Step(cut=30), Step(cut=40)], framing=Framing.CLOSE)
    assert fetch(origin) == FILE
    assert len(origin.requests) == 4


# -- fresh URLs ---


def test_a_fresh_url_with_another_path_is_another_file_even_with_the_same_etag(
    raw_server: RawServer, fetch: Fetch
) -> None:
    first = Origin([FILE], [Step(cut=30)])
    second = Origin([OTHER])

    def behave(wire: Wire) -> None:
        if not first.requests:
            return first(wire)
        path = wire.read().split(" ")[1]
        if path.startswith("/clip"):
            return wire.answer(b"", 403)
        wire.read = lambda: wire.head  # type: ignore[method-assign]
        return second(wire)

    assert fetch(behave, fresh=repeat(f"{raw_server.url}/other.mp4")) == OTHER


def test_urls_that_open_and_expire_in_turn_are_given_up(raw_server: RawServer, fetch: Fetch) -> None:
    origin = Origin([FILE], [Step(cut=30)] * 1000, validator=Validator.NONE)
    requests = iter(range(1000))

    def behave(wire: Wire) -> None:
        if next(requests) % 2:
            wire.read()
            wire.answer(b"", 403)
        else:
            origin(wire)

    with pytest.raises(VendorUnavailable):
        fetch(behave, fresh=repeat(f"{raw_server.url}/clip.mp4"))
    assert len(origin.requests) <= attempts.MAX_RESTARTS + 1


# -- slow and hostile servers ---


def endless(head: bytes, more: bytes) -> Callable[[Wire], None]:
    """Send a head, and then the same bytes until the peer leaves."""

    def behave(wire: Wire) -> None:
        wire.read()
        wire.send(head)
        while not wire.server.stopping.is_set():
            wire.send(more)

    return behave


def drip(head: bytes) -> Callable[[Wire], None]:
    """Send a head, and then a byte from time to time until the peer leaves."""

    def behave(wire: Wire) -> None:
        wire.read()
        wire.send(head)
        while not wire.server.stopping.wait(0.02):
            wire.send(b"x")

    return behave


def silence(wire: Wire) -> None:
    wire.read()
    wire.server.stopping.wait(2)


CHUNKED = b"HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n"
HOSTILE: dict[str, Callable[[Wire], None]] = {
    "a byte from time to time": drip(b'HTTP/1.1 200 Fine\r\nContent-Length: 99999\r\nETag: "a"\r\n\r\n'),
    "a head byte by byte": drip(b"HTTP/1.1 200 Fine\r\nX-A: "),
    "endless interim answers": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500),
    "an endless head": endless(b"HTTP/1.1 200 Fine\r\n", b"X-A: b\r\n" * 5000),
    "an endless line of the head": endless(b"HTTP/1.1 200 Fine\r\nX-A: ", b"b" * 50_000),
    "an endless chunk extension": endless(CHUNKED + b"5;a=", b"x" * 50_000),
    "endless trailers": endless(CHUNKED + b"5\r\nhello\r\n0\r\n", b"X-A: b\r\n" * 5000),
    "an endless trailer": endless(CHUNKED + b"5\r\nhello\r\n0\r\nX-A: ", b"b" * 50_000),
    "silence": silence,
    "no HTTP": endless(b"", b"\x16\x03\x01" * 1000),
}


@pytest.mark.parametrize("behave", HOSTILE.values(), ids=HOSTILE)
def test_a_server_that_sends_nothing_is_given_up(
    fetch: Fetch, behave: Callable[[Wire], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "STALL_SECONDS", 0.3)
    with pytest.raises(VendorUnavailable, match="cannot be fetched for now"):
        fetch(behave)


def test_a_redirect_to_garbage_raises_an_error_of_the_package(fetch: Fetch) -> None:
    def behave(wire: Wire) -> None:
        wire.read()
        wire.answer(b"", 302, ["Location: /again"])

    with pytest.raises(ResultUnavailable, match="redirected more than 5 times"):
        fetch(behave)
