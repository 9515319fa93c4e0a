# SPDX-License-Identifier: Apache-2.0
"""An attempt that was paused between its record and its submit buys nothing that another attempt may have bought."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import InvalidRequest, SubmitUncertain, VendorUnavailable, VideoAIError
from airflow_provider_videoai.jobs.http.rate_limit import RateLimit
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.protocol.call import json_body
from airflow_provider_videoai.jobs.submission.fence import FENCE_SECONDS, Fence
from airflow_provider_videoai.jobs.submission.pauses import Clocks
from airflow_provider_videoai.jobs.submission.record import STORE_KEY, Phase, SubmissionRecord
from airflow_provider_videoai.jobs.submission.record_store import save
from airflow_provider_videoai.jobs.submission.submitter import SubmittedJob, Submitter
from airflow_provider_videoai.jobs.submission.writer import Writer
from tests.jobs.polling.lab import NOW
from tests.jobs.submission.desk import Desk, Log, Store

FIRST, SECOND = Writer(1, "worker-1", 4711), Writer(2, "worker-2", 4712)
LONG = FENCE_SECONDS + 0.1


def freeze_after_the_record(desk: Desk, meanwhile: Callable[[], object]) -> None:
    """Let an attempt stand still, for longer than the fence allows, once it has written its record."""
    keep = desk.store.set

    def set_and_freeze(key: str, value: Any) -> None:
        desk.store.set = keep  # type: ignore[method-assign]
        keep(key, value)
        desk.now += LONG
        meanwhile()

    desk.store.set = set_and_freeze  # type: ignore[method-assign]


@pytest.fixture(params=["desk", "own_id_desk"])
def any_desk(request: pytest.FixtureRequest) -> Desk:
    """A vendor without, and one with ids of our own."""
    found: Desk = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("on_uncertain_submit", ["fail", "resubmit"])
def test_an_attempt_that_woke_up_after_another_took_over_buys_nothing(any_desk: Desk, on_uncertain_submit: str) -> None:
    desk, other = any_desk, list[object]()

    def retry() -> None:
        try:
            other.append(desk.attempt(writer=SECOND, on_uncertain_submit=on_uncertain_submit))
        except SubmitUncertain as stopped:
            other.append(stopped)
            # What the advice says: the user found no job at the vendor, and wants one.
            desk.store.delete(STORE_KEY)
            other.append(desk.attempt(writer=SECOND))

    freeze_after_the_record(desk, retry)
    with pytest.raises(VideoAIError, match=r"took over while this one was paused\. This attempt sent nothing"):
        desk.attempt(writer=FIRST, on_uncertain_submit=on_uncertain_submit)
    assert len(desk.lab.orders) == 1
    assert isinstance(other[-1], SubmittedJob)
    assert desk.record.phase is Phase.SUBMITTED
    assert desk.record.job_id == other[-1].job_id


def test_an_attempt_that_woke_up_alone_goes_on(any_desk: Desk) -> None:
    freeze_after_the_record(any_desk, lambda: None)
    assert any_desk.attempt(writer=FIRST).fresh
    assert len(any_desk.lab.orders) == 1


def test_a_record_that_is_gone_is_another_attempts_matter(desk: Desk) -> None:
    freeze_after_the_record(desk, lambda: desk.store.delete(STORE_KEY))
    with pytest.raises(VideoAIError, match="took over"):
        desk.attempt()
    assert desk.lab.orders == []
    assert desk.store.kept == {}


@pytest.mark.parametrize("failure", [VideoAIError("another attempt of this task took over"), OSError("away")])
def test_a_record_that_cannot_be_read_again_stops_the_submit(desk: Desk, failure: Exception) -> None:
    def get(key: str) -> Any:
        assert key == STORE_KEY
        raise failure

    def take_over() -> None:
        desk.store.get = get  # type: ignore[method-assign]

    freeze_after_the_record(desk, take_over)
    with pytest.raises(VideoAIError, match="sent nothing and bought nothing") as stopped:
        desk.attempt()
    assert not isinstance(stopped.value, SubmitUncertain)
    assert desk.lab.orders == []
    assert desk.journal == ["submitting"], "nothing of another attempt's is overwritten"


def test_a_clock_that_was_set_back_proves_nothing(desk: Desk) -> None:
    freeze_after_the_record(desk, lambda: desk.store.delete(STORE_KEY))
    desk.now += 3600

    def clock() -> float:
        return desk.now if not desk.journal else desk.now - 3600

    with pytest.raises(VideoAIError, match="took over"):
        desk.attempt(clock=clock)
    assert desk.lab.orders == []


@pytest.mark.parametrize(
    ("clock", "running", "read"),
    [
        ([NOW, NOW], [7.0, 7.0], 0),
        ([NOW, NOW + LONG], [7.0, 7.0], 1),  # the virtual machine was paused, and only its clock was set
        ([NOW, NOW - LONG], [7.0, 7.0], 1),
        ([NOW, NOW + 1], [7.0, 7.0 + LONG], 1),  # paused, and its clock was set back meanwhile
        ([NOW, NOW - 3600], [7.0, 7.1], 1),
    ],
)
def test_a_pause_that_either_clock_shows_is_one(clock: list[float], running: list[float], read: int) -> None:
    store = Store([])
    record = SubmissionRecord(phase=Phase.SUBMITTING, fingerprint="a" * 32)
    reads, get = list[str](), store.get

    def counting(key: str) -> Any:
        reads.append(key)
        return get(key)

    store.get = counting  # type: ignore[method-assign]
    times, more = iter([*clock, clock[-1]]), iter([*running, running[-1]])
    Fence(store, record, lambda: save(store, record), Clocks(lambda: next(times), lambda: next(more)))()
    assert len(reads) == read


def test_the_clock_that_only_goes_on_is_the_kernels_own_unless_another_is_given() -> None:
    store = Store([])
    record = SubmissionRecord(phase=Phase.SUBMITTING, fingerprint="a" * 32)
    fence = Fence(store, record, lambda: save(store, record), Clocks(lambda: NOW))
    fence()
    assert fence.announced
    assert fence.failure is None


def test_a_submit_that_leaves_at_once_reads_the_record_once(desk: Desk) -> None:
    reads, get = [], desk.store.get

    def counting(key: str) -> Any:
        reads.append(key)
        return get(key)

    desk.store.get = counting  # type: ignore[method-assign]
    desk.attempt()
    assert len(reads) == 1


# -- the order of a purchase -----------------------------------------------------------------------------------


def test_nothing_is_recorded_before_there_is_a_connection(open_lab: Any, order: Any, closed_port: int) -> None:
    store = Store([])
    transport = Transport(open_lab(host=f"http://127.0.0.1:{closed_port}", conn_id="closed"))
    with pytest.raises(VendorUnavailable):
        Submitter(transport=transport, store=store, log=Log()).obtain(order())
    assert store.journal == []


def test_nothing_is_recorded_while_the_submit_waits_for_its_place_in_the_rate_limit(
    open_lab: Any, order: Any, server: Any
) -> None:
    store, seen = Store([]), list[list[str]]()
    server.behave = lambda wire: (wire.read(), wire.answer(json_body({"code": 0, "id": "job-1"})))
    limit = RateLimit(1)
    limit.reserve("order", 0.0)
    transport = Transport(open_lab(host=server.url), rate_limit=limit, sleep=lambda _: seen.append(list(store.journal)))
    limit.back_off(1e9, 0.0)
    Submitter(transport=transport, store=store, log=Log()).obtain(order())
    assert seen == [[]]
    assert store.journal == ["submitting", "submitted"]


@pytest.mark.usefixtures("no_pause_between_connects")
def test_a_record_that_took_long_to_write_is_followed_by_a_new_connection(
    open_lab: Any, order: Any, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one at hand stood idle meanwhile, and its signature has aged."""
    store, now, keep = Store([]), [0.0], Store.set

    def slow_set(self: Store, key: str, value: Any) -> None:
        keep(self, key, value)
        now[0] += 60.0

    monkeypatch.setattr(f"{Transport.__module__}.time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(Store, "set", slow_set)
    server.behave = lambda wire: (wire.read(), wire.answer(json_body({"code": 0, "id": "job-1"})))
    Submitter(transport=Transport(open_lab(host=server.url)), store=store, log=Log()).obtain(order())
    assert store.journal == ["submitting", "submitted"]
    assert server.connections == 2
    assert len(server.requests) == 1


# -- who wrote it ----------------------------------------------------------------------------------------------


def test_the_record_of_a_submit_in_flight_names_its_attempt(desk: Desk) -> None:
    desk.lab.fate = lambda: {"lost": True}
    with pytest.raises(SubmitUncertain):
        desk.attempt(writer=FIRST)
    assert desk.store.kept[STORE_KEY]["writer"] == {"attempt": 1, "host": "worker-1", "process": 4711}
    assert desk.record.writer == FIRST


def test_a_record_of_a_bought_job_names_none(desk: Desk) -> None:
    desk.attempt(writer=FIRST)
    assert "writer" not in desk.store.kept[STORE_KEY]


def test_a_later_attempt_names_the_one_that_may_still_be_alive_and_the_time_in_which_it_sent(desk: Desk) -> None:
    desk.lab.fate = lambda: {"lost": True}
    with pytest.raises(SubmitUncertain) as lost:
        desk.attempt(writer=FIRST)
    assert "may still be alive" not in lost.value.message
    desk.now += 1000
    with pytest.raises(SubmitUncertain) as stopped:
        desk.attempt(writer=SECOND)
    assert "try 1 on host worker-1 (process 4711), which may still be alive" in stopped.value.message
    # The fence's 5 seconds and the account's 30.
    assert "between 2023-11-14T22:13:20+00:00 and 2023-11-14T22:13:55+00:00" in stopped.value.message
    assert desk.record.submitted_at == NOW


@pytest.mark.parametrize(
    "writer",
    [
        7,
        "worker-1",
        [],
        {"attempt": 1},
        {"attempt": "1", "host": "a", "process": 2},
        {"attempt": 1, "host": "a" * 300, "process": 2},
    ],
)
def test_a_writer_that_is_none_is_refused_by_name(desk: Desk, writer: Any) -> None:
    desk.store.kept[STORE_KEY] = {"phase": "submitting", "writer": writer}
    with pytest.raises(InvalidRequest, match="writer must be as an attempt wrote it"):
        desk.attempt()
    assert desk.lab.orders == []


def test_a_writer_is_named_as_airflow_names_its_host() -> None:
    assert Writer.here(1, "worker-1.test").host == "worker-1.test"
    assert Writer.here(1).host == socket.gethostname()


def test_a_host_name_forges_no_log_lines() -> None:
    read = Writer.from_json(json.loads('{"attempt": 1, "host": "a\\n\\u001b[31mb", "process": 2}'))
    assert str(read).isprintable()
