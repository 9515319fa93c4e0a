# SPDX-License-Identifier: Apache-2.0
"""A vendor that takes an idempotency key: a lost submit is repeated under its key, and bought once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    QuotaExceeded,
    SubmitRejected,
    SubmitUncertain,
    VendorUnavailable,
)
from airflow_provider_videoai.jobs.submission.record import STORE_KEY, Phase, SubmissionRecord
from airflow_provider_videoai.jobs.submission.submitter import SubmittedJob
from tests.jobs.polling.lab import NOW
from tests.jobs.submission.desk import FATES, CrashError, Desk

DAY = 86_400.0


@pytest.fixture
def desk(open_lab: Callable[..., Any]) -> Desk:
    return Desk(open_lab("key_lab"))


def fates(desk: Desk, *kinds: Any) -> None:
    """Let each submit meet the next fate; the last one stays."""
    coming: Iterator[Any] = iter(kinds)
    last: list[Any] = []

    def fate() -> Any:
        last[:] = [next(coming, last[0] if last else None)]
        given = last[0]
        if isinstance(given, Exception):
            raise given
        return FATES[given]() if isinstance(given, str) else given

    desk.lab.fate = fate


def keys_sent(desk: Desk) -> list[str]:
    return [call.headers["Idempotency-Key"] for call in desk.transport.calls if call.name == "order"]


def test_key_is_recorded_before_the_submit_and_gone_after_it(desk: Desk) -> None:
    recorded: list[Any] = []

    def accept() -> Any:
        recorded.append(dict(desk.store.kept[STORE_KEY]))
        return {}

    desk.lab.fate = accept
    desk.attempt()
    (key,) = keys_sent(desk)
    assert len(key) == 32
    assert recorded[0]["idempotency_key"] == key
    assert "idempotency_key" not in desk.store.kept[STORE_KEY]


def test_lost_answer_is_repeated_under_the_same_key_by_the_same_attempt(desk: Desk) -> None:
    fates(desk, "lost", "lost", "accepted")
    assert desk.attempt() == SubmittedJob("job-1", NOW, fresh=True)
    assert desk.lab.orders == ["job-1"]
    assert len(set(keys_sent(desk))) == 1
    assert len(keys_sent(desk)) == 3
    first, second = desk.naps
    assert 0.5 <= first <= 1 <= second <= 2


def test_answer_lost_each_time_is_uncertain_and_the_next_attempt_repeats(desk: Desk) -> None:
    fates(desk, "lost")
    with pytest.raises(SubmitUncertain, match="repeats it under the same idempotency key") as uncertain:
        desk.attempt()
    assert uncertain.value.retry_helps
    assert len(keys_sent(desk)) == 3
    fates(desk, "accepted")
    desk.now += 600
    assert desk.attempt() == SubmittedJob("job-1", NOW, fresh=True)
    assert desk.lab.orders == ["job-1"]
    assert len(set(keys_sent(desk))) == 1


@pytest.mark.parametrize("too_late", [False, True], ids=["before the record is kept", "after"])
def test_worker_that_dies_around_the_second_record_costs_nothing_more(desk: Desk, too_late: bool) -> None:
    desk.store.dies_at, desk.store.too_late = 2, too_late
    with pytest.raises(CrashError):
        desk.attempt()
    desk.store.dies_at = None
    assert desk.attempt().job_id == "job-1"
    assert desk.lab.orders == ["job-1"]


def test_job_id_that_could_not_be_recorded_is_found_by_the_key(desk: Desk) -> None:
    desk.store.refuses = Phase.SUBMITTED
    with pytest.raises(SubmitUncertain, match="The next attempt repeats it") as uncertain:
        desk.attempt()
    assert uncertain.value.retry_helps
    desk.store.refuses = None
    assert desk.attempt().job_id == "job-1"
    assert desk.lab.orders == ["job-1"]


@pytest.mark.parametrize("age", [DAY + 1, -DAY - 1], ids=["expired", "clock set back"])
def test_expired_key_is_not_used_again(desk: Desk, age: float) -> None:
    fates(desk, "lost")
    with pytest.raises(SubmitUncertain):
        desk.attempt()
    desk.now += age
    with pytest.raises(SubmitUncertain, match="key has expired") as stopped:
        desk.attempt()
    assert not stopped.value.retry_helps
    assert "not submitted again by itself" in stopped.value.message
    assert len(keys_sent(desk)) == 3


def test_age_of_a_key_counts_from_its_first_submit(desk: Desk) -> None:
    fates(desk, "lost")
    for _ in range(3):
        with pytest.raises(SubmitUncertain):
            desk.attempt()
        desk.now += DAY * 0.4
    assert len(keys_sent(desk)) == 9
    with pytest.raises(SubmitUncertain, match="key has expired"):
        desk.attempt()
    assert len(set(keys_sent(desk))) == 1


def test_key_that_a_person_changed_is_not_submitted_under(desk: Desk) -> None:
    fates(desk, "lost")
    with pytest.raises(SubmitUncertain):
        desk.attempt()
    desk.store.kept[STORE_KEY]["idempotency_key"] = "07" * 16
    with pytest.raises(SubmitUncertain):
        desk.attempt()
    assert len(keys_sent(desk)) == 3


def test_refusal_of_a_repeated_submit_says_nothing_of_the_first(desk: Desk) -> None:
    fates(desk, "lost", "refused")
    with pytest.raises(SubmitUncertain, match="A request before it, under the same idempotency key") as uncertain:
        desk.attempt()
    assert uncertain.value.retry_helps
    assert desk.record.phase is Phase.SUBMITTING


@pytest.mark.parametrize(
    "failure",
    [QuotaExceeded("full"), AuthenticationFailed("who are you")],
    ids=lambda failure: type(failure).__name__,
)
def test_what_a_user_or_time_mends_is_said_as_it_is_and_the_key_is_kept(desk: Desk, failure: Exception) -> None:
    fates(desk, "lost", failure)
    with pytest.raises(type(failure)):
        desk.attempt()
    assert desk.record.phase is Phase.SUBMITTING
    fates(desk, "accepted")
    assert desk.attempt().job_id == "job-1"
    assert len(set(keys_sent(desk))) == 1


def test_vendor_that_cannot_be_reached_for_the_repetition_leaves_the_submit_uncertain(desk: Desk) -> None:
    fates(desk, "lost", VendorUnavailable("no connection: nothing was sent, nothing was bought"))
    with pytest.raises(SubmitUncertain):
        desk.attempt()
    assert desk.record.phase is Phase.SUBMITTING


def test_first_refusal_bought_nothing_and_leaves_no_key(desk: Desk) -> None:
    fates(desk, "refused")
    with pytest.raises(SubmitRejected):
        desk.attempt()
    assert desk.record == SubmissionRecord(
        phase=Phase.FAILED, fingerprint=desk.record.fingerprint, submitted_at=NOW, generation=0
    )


def test_another_job_gets_another_key(desk: Desk) -> None:
    desk.attempt()
    desk.lab.states["job-1"] = "failed"
    assert desk.attempt().job_id == "job-2"
    assert len(set(keys_sent(desk))) == 2


def test_without_a_lasting_store_nothing_is_promised(desk: Desk) -> None:
    desk.store.lasting = False
    fates(desk, "lost")
    with pytest.raises(SubmitUncertain, match="keeps no record of it: another attempt submits again") as uncertain:
        desk.attempt()
    assert not uncertain.value.retry_helps


def test_record_of_a_vendor_without_keys_is_as_versions_before_them_wrote_it(open_lab: Callable[..., Any]) -> None:
    plain = Desk(open_lab())
    plain.attempt()
    assert "idempotency_key" not in json.dumps(plain.store.kept)
