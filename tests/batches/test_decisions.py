# SPDX-License-Identifier: Apache-2.0
"""What an attempt does about an item, for how long a batch pauses, and how many items may fail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.batches.entries import Entry, ItemEnd, ItemState, NextStep, next_step, with_end
from airflow_provider_videoai.batches.pause import Pause
from airflow_provider_videoai.batches.tolerance import Tolerance
from airflow_provider_videoai.jobs.errors import InvalidRequest, QuotaExceeded, VendorUnavailable
from airflow_provider_videoai.jobs.in_flight.leases import InFlightLimitReached
from airflow_provider_videoai.jobs.ledger.lease import CLAIM_SECONDS
from airflow_provider_videoai.jobs.submission.record import Phase, SubmissionRecord
from tests.support.fuzzing import json_values

OURS, OTHER = "a" * 32, "b" * 32
NOW = 2


def record(
    phase: Phase, fingerprint: str | None = OURS, job_id: str | None = "j1", generation: int = 0
) -> SubmissionRecord:
    return SubmissionRecord(phase=phase, fingerprint=fingerprint, job_id=job_id, generation=generation)


def end(state: str, *, attempt: int = NOW, fingerprint: str = OURS, **fields: Any) -> ItemEnd:
    return ItemEnd(state=ItemState(state), fingerprint=fingerprint, attempt=attempt, at=1.0, **fields)


def step(entry: Entry | None, **changes: Any) -> str:
    options = {"attempt": NOW, "retries_failed": True, "paid_retries": None, "place": None}
    return next_step(None if entry is None else entry.of(OURS), **{**options, **changes}).value


@pytest.mark.parametrize(
    ("entry", "changes", "expected"),
    [
        (None, {}, "obtain"),
        (Entry(record(Phase.SUBMITTED)), {}, "wait"),
        (Entry(record(Phase.HANDED_OVER)), {}, "wait"),
        (Entry(record(Phase.SUBMITTED, None)), {}, "wait"),  # a person's
        (Entry(record(Phase.SUBMITTED, OTHER)), {}, "obtain"),
        (Entry(record(Phase.SUBMITTING, job_id=None)), {}, "obtain"),
        (Entry(unreadable=True), {}, "obtain"),
        (Entry(record(Phase.FINISHED)), {}, "obtain"),
        (Entry(record(Phase.FINISHED), end("succeeded", attempt=1)), {}, "nothing"),
        (Entry(record(Phase.FINISHED), end("succeeded", attempt=1)), {"place": "here"}, "obtain"),
        (Entry(record(Phase.FINISHED), end("succeeded", attempt=1, sha256="f")), {"place": "here"}, "nothing"),
        (
            Entry(record(Phase.FINISHED), end("succeeded", attempt=1, sha256="f", place="here")),
            {"place": "here"},
            "nothing",
        ),
        (
            Entry(record(Phase.FINISHED), end("succeeded", attempt=1, sha256="f", place="there")),
            {"place": "here"},
            "fetch",
        ),
        (Entry(record(Phase.FINISHED), end("succeeded", attempt=1, sha256="f", place="there")), {}, "nothing"),
        (Entry(None, end("succeeded", attempt=1, sha256="f", place="there")), {"place": "here"}, "obtain"),
        (Entry(record(Phase.FINISHED, OTHER), end("succeeded", fingerprint=OTHER)), {}, "obtain"),
        (Entry(None, end("skipped")), {}, "nothing"),
        (Entry(None, end("skipped", attempt=1)), {}, "obtain"),
        (Entry(record(Phase.FAILED), end("failed")), {}, "nothing"),
        (Entry(record(Phase.FAILED), end("failed", attempt=1)), {}, "obtain"),
        (Entry(record(Phase.FAILED), end("failed", attempt=1)), {"retries_failed": False}, "nothing"),
        (Entry(record(Phase.FAILED), end("failed", attempt=1)), {"paid_retries": 0}, "nothing"),
        (Entry(record(Phase.FAILED), end("failed", attempt=1)), {"paid_retries": 1}, "obtain"),
        (Entry(record(Phase.FAILED, generation=1), end("failed", attempt=1)), {"paid_retries": 1}, "nothing"),
        # Refused: nothing was bought, so nothing limits another try.
        (Entry(record(Phase.FAILED, job_id=None), end("failed", attempt=1)), {"paid_retries": 0}, "obtain"),
        (Entry(None, end("failed", attempt=1)), {"retries_failed": False}, "obtain"),
        # Timed out, or over: its job is attached to.
        (Entry(record(Phase.SUBMITTED), end("failed", attempt=1)), {"retries_failed": False}, "wait"),
        (Entry(record(Phase.SUBMITTED), end("failed")), {}, "nothing"),
        (Entry(record(Phase.SUBMITTING, job_id=None), end("failed", attempt=1)), {}, "obtain"),
    ],
)
def test_the_next_step_of_an_item(entry: Entry | None, changes: dict[str, Any], expected: str) -> None:
    assert step(entry, **changes) == expected
    assert expected in list(NextStep)


def test_an_entry_is_read_back_as_it_was() -> None:
    failed = ItemEnd(
        state=ItemState.FAILED,
        fingerprint=OURS,
        attempt=3,
        at=1764220000.5,
        job_id="j1",
        error={"type": "JobFailed", "message": "no", "code": None},
        duration_ms=1200,
    )
    stored = json.loads(json.dumps(with_end({}, record(Phase.FAILED), failed)))
    assert Entry.from_json(stored) == Entry(record(Phase.FAILED), failed)


@given(json_values("http://example.com/a"))
def test_no_stored_entry_raises(stored: Any) -> None:
    for value in (stored, {"submission": stored}, {"end": stored}, {"end": {"state": "failed", "error": stored}}):
        assert step(Entry.from_json(value)) in list(NextStep)


def test_a_pause_for_a_lease_ends_before_the_place_in_the_queue_does() -> None:
    now = [1000.0]
    pause = Pause(clock=lambda: now[0])
    for _ in range(8):
        pause.refused(InFlightLimitReached("full"))
        # And time is left to defer, and for a worker to start.
        assert pause.until - now[0] <= CLAIM_SECONDS - 40
        now[0] = pause.until


def test_pauses_grow_and_outlive_a_deferral() -> None:
    now = [1000.0]
    pause = Pause(clock=lambda: now[0])
    lengths = []
    for _ in range(8):
        pause.refused(QuotaExceeded("full"))
        assert pause.lasts
        lengths.append(pause.until - now[0])
        pause = Pause.from_json(json.loads(json.dumps(pause.to_json())))
        pause.clock = lambda: now[0]
        now[0] = pause.until
        assert not pause.lasts
    assert 12 <= lengths[0] <= 18
    assert 240 <= lengths[-1] <= 360
    assert pause.lasted() == pytest.approx(sum(lengths))
    pause.accepted()
    assert pause.lasted() == 0.0


def test_a_pause_for_lost_answers_is_known_for_one_until_a_job_is_accepted() -> None:
    now = [1000.0]
    pause = Pause(clock=lambda: now[0])
    pause.refused(QuotaExceeded("full"))
    assert not pause.for_lost
    now[0] = pause.until
    pause.refused(VendorUnavailable("lost"), lost=True)
    pause = Pause.from_json(json.loads(json.dumps(pause.to_json())))
    assert pause.for_lost
    assert not Pause.from_json({**pause.to_json(), "for_lost": "odd"}).for_lost
    pause.clock = lambda: pause.until
    pause.refused(QuotaExceeded("full"))
    assert pause.for_lost
    pause.clock = lambda: pause.until
    pause.accepted()
    assert not pause.for_lost


def test_a_pause_counts_from_when_the_batch_is_alone() -> None:
    now = [1000.0]
    pause = Pause(clock=lambda: now[0])
    pause.alone()
    assert pause.lasted() == 0.0
    pause.refused(QuotaExceeded("full", retry_after=90))
    for at, lasted in ((1030.0, 0.0), (1080.0, 50.0)):
        now[0] = at
        if not lasted:
            pause.alone()
        assert pause.lasted() == lasted
    assert pause.lasts
    now[0] = 2000.0
    pause.alone()
    assert not pause.lasts
    assert Pause.from_json(pause.to_json()).tries == 1


def test_refusals_at_the_same_time_count_once_and_retry_after_is_kept_to() -> None:
    pause = Pause(clock=lambda: 1000.0)
    for _ in range(5):
        pause.refused(QuotaExceeded("full", retry_after=90))
    assert (pause.tries, pause.until) == (1, 1090.0)
    pause.accepted()  # of one that was sent at the same time
    assert pause.lasts


@given(
    st.one_of(
        json_values("x"), st.fixed_dictionaries({"since": st.floats(), "tries": st.integers(), "until": st.floats()})
    )
)
def test_an_odd_pause_is_none_or_ends(stored: Any) -> None:
    pause = Pause.from_json(stored)
    assert pause.since is None or 0 <= pause.until - pause.since <= 7 * 86_400


@pytest.mark.parametrize(
    ("given_", "items", "most"),
    [
        (0, 10, 0),
        (3, 10, 3),
        ("3", 10, 3),
        ("5%", 100, 5),
        ("5%", 99, 4),
        ("2.5 %", 1000, 25),
        ("100%", 7, 7),
        ("0%", 9, 0),
    ],
)
def test_so_many_may_fail(given_: Any, items: int, most: int) -> None:
    tolerance = Tolerance.read(given_)
    assert tolerance.allows(most, items)
    assert not tolerance.allows(most + 1, items) or most == items


@pytest.mark.parametrize(
    "wrong", [-1, 1.5, True, None, "", "%", "-1%", "101%", "5 percent", "\u0661%", "1/0%", "1e999999999%", [5], "nan%"]
)
def test_any_other_tolerance_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidRequest, match="tolerate: must be a number of items"):
        Tolerance.read(wrong)
