# SPDX-License-Identifier: Apache-2.0
"""Calls that may block for longer than their caller waits: it goes on in time, and few are left behind."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, NoReturn

import pytest

from airflow_provider_videoai.jobs.ledger.bounded_calls import BoundedCalls

LONG = 30.0


@pytest.fixture
def blocked() -> Iterator[threading.Event]:
    """What a call waits for that is left behind."""
    event = threading.Event()
    yield event
    event.set()


def calls(most: int = 2) -> BoundedCalls:
    return BoundedCalls("bounded", most=most)


def never() -> NoReturn:
    raise AssertionError("nobody is to be interrupted")


def test_the_outcome_is_the_works() -> None:
    assert calls().call(lambda: 5, seconds=LONG, give_up=never) == 5


@pytest.mark.parametrize("failure", [ValueError("bad"), TimeoutError("its own"), SystemExit(3)])
def test_a_failure_is_the_works_also_one_that_looks_like_ours(failure: BaseException) -> None:
    def fail() -> None:
        raise failure

    with pytest.raises(type(failure)) as raised:
        calls().call(fail, seconds=LONG, give_up=never)
    assert raised.value is failure


def test_the_work_sees_its_callers_context() -> None:
    name = ContextVar("name", default="none")
    name.set("the caller's")
    assert calls().call(name.get, seconds=LONG, give_up=never) == "the caller's"


def test_who_waits_too_long_goes_on_and_makes_the_work_end(blocked: threading.Event) -> None:
    ended = threading.Event()

    def work() -> None:
        blocked.wait(LONG)
        ended.set()

    with pytest.raises(TimeoutError):
        calls().call(work, seconds=0.05, give_up=blocked.set)
    assert ended.wait(LONG)


def test_few_calls_are_left_behind_and_who_ended_makes_room(blocked: threading.Event) -> None:
    bounded, threads = calls(most=2), list[threading.Thread]()

    def work() -> None:
        threads.append(threading.current_thread())
        blocked.wait(LONG)

    for _ in range(2):
        with pytest.raises(TimeoutError):
            bounded.call(work, seconds=0.05, give_up=lambda: None)
    with pytest.raises(TimeoutError, match="2 calls have not ended"):
        bounded.call(never, seconds=LONG, give_up=never)
    assert all(thread.daemon for thread in threads), "a process that ends does not wait for them"
    blocked.set()
    for thread in threads:
        thread.join(LONG)
    assert bounded.call(lambda: 5, seconds=LONG, give_up=never) == 5


class Interrupted(BaseException):
    """As Airflow's `AirflowTaskTimeout`, which the handler of a signal raises in the main thread."""


def test_a_signal_interrupts_the_wait_and_ends_the_work(blocked: threading.Event) -> None:
    def interrupt(*_: Any) -> NoReturn:
        raise Interrupted

    def work() -> None:
        signal.pthread_kill(waiting, signal.SIGUSR1)
        blocked.wait(LONG)

    waiting = threading.get_ident()
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(Interrupted):
            calls().call(work, seconds=LONG, give_up=blocked.set)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert blocked.is_set()
