# SPDX-License-Identifier: Apache-2.0
"""What a person or another version left in the task's state: the job is found, or nothing is sent."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from airflow_provider_videoai.jobs.errors import SubmitUncertain, VideoAIError
from airflow_provider_videoai.jobs.submission.record import STORE_KEY, Phase
from airflow_provider_videoai.jobs.submission.record_store import conclude
from airflow_provider_videoai.jobs.submission.submitter import SubmittedJob
from tests.jobs.polling.lab import NOW
from tests.jobs.submission.desk import Desk
from tests.jobs.submission.test_record import stored_values

SMALLEST = [{"job_id": "job-1", "phase": "submitted"}, {"job_id": " job-1\n"}, '{"job_id": "job-1"}']


@pytest.fixture
def lost(desk: Desk) -> Desk:
    """A task whose submit reached the vendor, and whose answer was lost."""
    desk.lab.fate = lambda: {"lost": True}
    with pytest.raises(SubmitUncertain):
        desk.attempt()
    desk.lab.fate = dict
    return desk


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("whose_id", ["desk", "own_id_desk"])
def test_id_that_was_mistyped_into_a_whole_record_buys_no_other_job(
    request: pytest.FixtureRequest, whose_id: str, phase: Phase
) -> None:
    desk: Desk = request.getfixturevalue(whose_id)
    desk.attempt()
    desk.store.kept[STORE_KEY] |= {"job_id": "mistyped", "phase": phase}
    orders = list(desk.lab.orders)
    if phase is Phase.FAILED:  # that is to say: buy another
        assert desk.attempt().fresh
        return
    with suppress(VideoAIError):
        assert not desk.attempt().fresh
    assert desk.lab.orders == orders


@pytest.mark.parametrize("written", SMALLEST, ids=str)
def test_smallest_record_attaches(lost: Desk, written: Any) -> None:
    lost.store.kept[STORE_KEY] = written
    lost.now += 60
    assert lost.attempt() == SubmittedJob("job-1", NOW + 60, fresh=False)
    assert lost.lab.orders == ["job-1"]


def test_smallest_record_becomes_a_whole_one_with_a_time_that_stays(lost: Desk) -> None:
    fingerprint = lost.record.fingerprint
    lost.store.kept[STORE_KEY] = SMALLEST[0]
    lost.attempt()
    assert (lost.record.fingerprint, lost.record.submitted_at) == (fingerprint, NOW)
    lost.now += 1000
    assert lost.attempt().submitted_at == NOW
    conclude(lost.store, failed=False)
    assert lost.record.phase is Phase.FINISHED


def test_id_that_was_filled_in_without_the_phase_attaches(lost: Desk) -> None:
    lost.store.kept[STORE_KEY] |= {"job_id": "job-1"}
    assert lost.attempt(on_uncertain_submit="resubmit") == SubmittedJob("job-1", NOW, fresh=False)


@pytest.mark.parametrize(
    "written",
    [
        {"job_id": "job-7", "phase": "finished"},
        {"job_id": "job-7", "phase": "submitting"},
        {"job_id": "job-7", "phase": "finished", "fingerprint": "HERS", "colour": "red"},
    ],
    ids=str,
)
def test_id_that_the_vendor_does_not_know_is_taken_for_a_mistake(own_id_desk: Desk, written: dict[str, Any]) -> None:
    own_id_desk.attempt()
    mine = own_id_desk.record.fingerprint
    own_id_desk.store.kept[STORE_KEY] = {**written, **({"fingerprint": mine} if "colour" in written else {})}
    with pytest.raises(SubmitUncertain, match=r"job-7 .*unknown to Own id lab.*sent nothing.*kept"):
        own_id_desk.attempt()
    assert own_id_desk.journal.count("order") == 1


def test_job_of_a_newer_version_is_found_after_a_rollback(desk: Desk) -> None:
    desk.attempt()
    desk.store.kept[STORE_KEY] |= {"version": 2, "items": ["a"]}
    assert desk.attempt() == SubmittedJob("job-1", NOW, fresh=False)
    assert desk.store.kept[STORE_KEY]["items"] == ["a"], "the newer version may come back"


def test_record_of_a_newer_version_is_not_submitted_by(desk: Desk) -> None:
    desk.attempt()
    conclude(desk.store, failed=True)
    desk.store.kept[STORE_KEY] |= {"colour": "red"}
    with pytest.raises(SubmitUncertain, match=r"unknown to this version of the package \('colour'\).*sent nothing"):
        desk.attempt()
    assert desk.lab.orders == ["job-1"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stored=stored_values)
@pytest.mark.parametrize("key", ["lab", "own_id_lab"])
def test_whatever_is_stored_the_default_buys_only_after_a_failure_or_a_change(
    open_lab: Any, key: str, stored: Any
) -> None:
    desk = Desk(open_lab(key))
    desk.store.kept[STORE_KEY] = stored
    try:
        job = desk.attempt()
    except VideoAIError:
        assert desk.lab.orders == []
        return
    if job.fresh and stored is not None:
        was = json.loads(stored) if isinstance(stored, str) else stored
        assert str(was.get("phase")).strip().lower() == "failed" or was.get("fingerprint")
