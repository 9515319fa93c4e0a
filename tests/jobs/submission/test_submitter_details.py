# SPDX-License-Identifier: Apache-2.0
"""What a record, an error and a query name: each from the right request, job and account."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import JobNotFound, SubmitRejected, SubmitUncertain, VendorUnavailable
from airflow_provider_videoai.jobs.polling.wait_errors import Reason, error_of
from airflow_provider_videoai.jobs.polling.watch import Outcome
from airflow_provider_videoai.jobs.submission.record import STORE_KEY, Phase
from tests.jobs.polling.lab import Reprint
from tests.jobs.submission.desk import CrashError, Desk


@pytest.fixture
def own_id(open_lab: Callable[..., Any]) -> Desk:
    return Desk(open_lab("own_id_lab"))


def test_refused_submit_under_an_id_of_ours_keeps_no_id_and_is_not_counted(own_id: Desk) -> None:
    own_id.lab.fate = lambda: {"code": 4}
    with pytest.raises(SubmitRejected):
        own_id.attempt()
    assert (own_id.record.phase, own_id.record.job_id, own_id.record.bought) == (Phase.FAILED, None, 0)
    own_id.lab.fate = dict
    own_id.attempt()
    assert (own_id.record.generation, own_id.record.bought) == (0, 1)


def test_settled_record_of_a_person_becomes_this_requests(own_id: Desk) -> None:
    own_id.store.dies_at = 2
    with pytest.raises(CrashError):
        own_id.attempt()
    own_id.store.dies_at = None
    fingerprint = own_id.store.kept[STORE_KEY].pop("fingerprint")
    own_id.store.kept[STORE_KEY].pop("seal")
    own_id.attempt()
    assert own_id.record.fingerprint == fingerprint


def test_status_is_queried_by_the_requests_own_operation(own_id: Desk) -> None:
    own_id.with_request(Reprint(film="sunset"))
    own_id.store.dies_at = 2
    with pytest.raises(CrashError):
        own_id.attempt()
    own_id.store.dies_at = None
    own_id.attempt()
    polled_as = Reprint(film="sunset").polled_as
    asked = [json.loads(call.body)["operation"] for call in own_id.transport.calls if call.name == "look"]
    assert asked
    assert set(asked) == {polled_as}


def test_stopped_attempt_names_the_job_of_its_record(own_id: Desk) -> None:
    own_id.store.set(STORE_KEY, {"phase": "submitting", "job_id": "lost-1"})
    with pytest.raises(SubmitUncertain) as stopped:
        own_id.attempt()
    assert stopped.value.job_id == "lost-1"


@pytest.mark.parametrize(("reason", "said"), [(Reason(), None), (Reason(said="running"), "Last: running.")])
def test_last_thing_known_is_said_only_if_there_is_one(reason: Reason, said: str | None) -> None:
    text = error_of(Outcome.TIMED_OUT, job_id="j", title="Lab", reason=reason).message
    assert (said in text) if said else ("Last:" not in text)


@pytest.mark.parametrize(("stored", "kept"), [(0, 0.0), (0.5, 0.5), (86_400, 86_400.0), (86_401, None), (True, None)])
def test_pause_of_an_event_is_kept_within_a_day(stored: Any, kept: float | None) -> None:
    assert Reason.read({"retry_after": stored}).retry_after == kept


def test_code_of_an_unreadable_answer_is_kept(own_id: Desk) -> None:
    vendor = own_id.transport.vendor
    (poll,) = [next(vendor.statuses("develop", ["j"]))]
    lost = vendor.lost(poll, "nonsense", code="17")
    assert (type(lost), lost.code) == (VendorUnavailable, "17")


def test_unknown_job_is_named_by_its_error() -> None:
    error = error_of(Outcome.NOT_FOUND, job_id="j-9", title="Lab")
    assert (type(error), error.job_id) == (JobNotFound, "j-9")
