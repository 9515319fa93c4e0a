# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gc

from airflow_provider_videoai.jobs.polling.due_queue import DueQueue
from tests.jobs.polling.lab import NOW
from tests.jobs.polling.watches import new_watch


def put(queue: DueQueue, job_id: str, due_at: float, operation: str = "develop") -> None:
    watch = new_watch(job_id, operation=operation)
    watch.due_at = NOW + due_at
    queue.put(watch)


def taken(queue: DueQueue, at: float) -> list[str]:
    return [watch.job_id for watch in queue.take(NOW + at)]


def next_at(queue: DueQueue) -> float:
    assert queue.next_at is not None
    return queue.next_at - NOW


def test_the_longest_overdue_come_first_and_equals_in_their_order() -> None:
    queue = DueQueue(batch_size=2, slot=0.25, hold=0.0)
    for job_id, due_at in {"late": 3, "first": 1, "second": 1, "third": 1}.items():
        put(queue, job_id, due_at)
    assert next_at(queue) == 1
    assert [taken(queue, 3) for _ in range(3)] == [["first", "second"], ["third", "late"], []]
    assert queue.next_at is None


def test_jobs_are_polled_at_the_end_of_the_slot_in_which_they_fall_due() -> None:
    queue = DueQueue(batch_size=1, slot=0.5, hold=0.0)
    for due_at in (1.01, 1.5, 0.9, 1.51):
        put(queue, str(due_at), due_at)
    taken_at = []
    while queue.next_at is not None:
        taken_at.append((next_at(queue), taken(queue, next_at(queue))))
    assert taken_at == [(1.0, ["0.9"]), (1.5, ["1.01"]), (1.5, ["1.5"]), (2.0, ["1.51"])]


def test_what_is_due_is_counted_until_it_is_taken() -> None:
    queue = DueQueue(batch_size=2, slot=0.5, hold=0.0)
    for job_id in "abc":
        put(queue, job_id, 1)
    put(queue, "other", 1.2, operation="reprint")
    assert [queue.due(NOW + at) for at in (0.9, 1, 1.5)] == [0, 3, 4]
    assert taken(queue, 1.5) == ["a", "b"]
    assert queue.due(NOW + 1.5) == 2
    queue.clear()
    assert queue.due(NOW + 9) == 0
    assert queue.next_at is None


def test_without_slots_each_job_is_due_to_the_microsecond() -> None:
    queue = DueQueue(batch_size=1, slot=0.0, hold=0.0)
    put(queue, "a", 0.123456)
    assert queue.next_at == NOW + 0.123456
    assert [taken(queue, 0.123455), taken(queue, 0.123456)] == [[], ["a"]]


def test_a_request_with_room_is_held_back_and_keeps_its_turn() -> None:
    queue = DueQueue(batch_size=3, slot=0.25, hold=0.5)
    put(queue, "a", 0)
    put(queue, "other", 0, operation="reprint")
    assert taken(queue, 0.4) == []
    assert next_at(queue) == 0.5
    put(queue, "b", 0.25)
    assert next_at(queue) == 0.25
    assert taken(queue, 0.25) == []
    assert [taken(queue, 0.5), taken(queue, 0.5)] == [["a", "b"], ["other"]]


def test_the_operation_that_is_overdue_for_longest_comes_first() -> None:
    queue = DueQueue(batch_size=1, slot=0.25, hold=0.0)
    put(queue, "a", 0)
    put(queue, "b", 0, operation="reprint")
    put(queue, "c", 0.25)
    assert [taken(queue, 0.25) for _ in range(2)] == [["a"], ["b"]], "not all of one operation first"


def test_a_full_request_leaves_before_one_that_was_due_sooner_and_has_room() -> None:
    queue = DueQueue(batch_size=2, slot=0.25, hold=0.5)
    put(queue, "alone", 0)
    for job_id in "abc":
        put(queue, job_id, 0.25, operation="reprint")
    assert [taken(queue, 0.25), taken(queue, 0.25)] == [["a", "b"], []]
    assert [taken(queue, 0.8) for _ in range(3)] == [["alone"], ["c"], []]


def test_a_waiting_job_costs_the_garbage_collector_nothing_but_itself() -> None:
    queue = DueQueue(batch_size=1, slot=0.25, hold=0.0)
    watches = [new_watch(str(number)) for number in range(1000)]
    gc.collect()
    before = len(gc.get_objects())
    for watch in watches:
        queue.put(watch)
    gc.collect()
    assert len(gc.get_objects()) - before < 100
