# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextvars import copy_context

import pytest

from airflow_provider_videoai.jobs.turns import Turns, Waiter, Waiting
from tests.jobs.lab import NOW
from tests.jobs.watches import new_watch


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    with asyncio.Runner() as runner:
        yield runner.get_loop()


@pytest.fixture
def waiter(loop: asyncio.AbstractEventLoop) -> Waiter:
    return Waiter(1, lambda _: None, copy_context(), loop.create_future())


def taken(turns: Turns, now: float) -> list[str]:
    return [waiting.watch.job_id for waiting in turns.take(now)]


def test_the_longest_overdue_come_first_and_equals_in_their_order(waiter: Waiter) -> None:
    turns = Turns(batch_size=2, patience=0.0)
    for job_id, due_at in {"late": 3, "first": 1, "second": 1, "third": 1}.items():
        turns.put(NOW + due_at, Waiting(new_watch(job_id), waiter))
    assert turns.first_at == NOW + 1
    assert [taken(turns, NOW + 3) for _ in range(3)] == [["first", "second"], ["third", "late"], []]
    assert turns.first_at is None


def test_who_has_left_has_no_turn(loop: asyncio.AbstractEventLoop, waiter: Waiter) -> None:
    turns = Turns(batch_size=1, patience=0.0)
    left = Waiter(1, lambda _: None, copy_context(), loop.create_future())
    turns.put(NOW, Waiting(new_watch("of one who left"), left))
    turns.put(NOW + 1, Waiting(new_watch("of one who waits"), waiter))
    left.ended.cancel()
    assert taken(turns, NOW + 2) == ["of one who waits"]


def test_a_request_with_room_is_held_back_and_keeps_its_turn(waiter: Waiter) -> None:
    turns = Turns(batch_size=3, patience=0.5)
    turns.put(NOW, Waiting(new_watch("a"), waiter))
    turns.put(NOW, Waiting(new_watch("other", operation="reprint"), waiter))
    assert taken(turns, NOW + 0.4) == []
    assert turns.first_at == NOW
    assert [taken(turns, NOW + 0.5), taken(turns, NOW + 0.5)] == [["a"], ["other"]]


def test_a_waiting_job_costs_the_garbage_collector_nothing_but_itself(waiter: Waiter) -> None:
    turns = Turns(batch_size=1, patience=0.0)
    watches = [new_watch(str(number)) for number in range(1000)]
    gc.collect()
    before = len(gc.get_objects())
    for watch in watches:
        turns.put(watch.due_at, Waiting(watch, waiter))
    gc.collect()
    assert len(gc.get_objects()) - before < 100
