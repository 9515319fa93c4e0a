# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.protocol.idempotency import Idempotency
from airflow_provider_videoai.jobs.submission.decision import FORGOTTEN, Action, decide, next_record
from airflow_provider_videoai.jobs.submission.record import PLACE, Phase, SubmissionRecord
from airflow_provider_videoai.jobs.submission.record_store import conclude, load, save

CALLER_ID = Idempotency.CALLER_ID
SAME, OTHER = "5a" * 16, "07" * 16


class Memory(dict[str, Any]):
    """A store that takes only what JSON can hold, as Airflow's does."""

    lasting = True
    place = PLACE

    def set(self, key: str, value: Any) -> None:
        self[key] = json.loads(json.dumps(value))

    def delete(self, key: str) -> None:
        self.pop(key, None)


def record(phase: Phase, job_id: str | None = "j", generation: int = 4) -> SubmissionRecord:
    return SubmissionRecord(phase=phase, fingerprint=SAME, generation=generation, job_id=job_id, submitted_at=1.5)


# -- the decision table ----------------------------------------------------------------------------------------

SUBMITTING, SUBMITTED, HANDED_OVER, FINISHED, FAILED = Phase


@pytest.mark.parametrize(
    ("phase", "job_id", "own_id", "uncertain", "finished", "action"),
    [
        (SUBMITTING, None, False, "fail", "reuse", Action.STOP),
        (SUBMITTING, None, False, "fail", "resubmit", Action.STOP),
        (SUBMITTING, None, False, "resubmit", "reuse", Action.SUBMIT),
        (SUBMITTING, None, False, "resubmit", "resubmit", Action.SUBMIT),
        (SUBMITTING, "j", True, "fail", "reuse", Action.SETTLE),
        (SUBMITTING, "j", True, "resubmit", "reuse", Action.SETTLE),
        (SUBMITTING, "j", True, "fail", "resubmit", Action.SETTLE),
        (SUBMITTING, "j", False, "fail", "reuse", Action.ATTACH),  # a person filled the id in
        (SUBMITTING, "j", False, "resubmit", "reuse", Action.ATTACH),
        (SUBMITTING, None, True, "fail", "reuse", Action.STOP),  # there is no id whose status could be queried
        (SUBMITTING, None, True, "resubmit", "reuse", Action.SUBMIT),
        (SUBMITTED, "j", False, "fail", "reuse", Action.ATTACH),
        (SUBMITTED, "j", False, "resubmit", "reuse", Action.ATTACH),
        (SUBMITTED, "j", False, "fail", "resubmit", Action.ATTACH),
        (SUBMITTED, "j", False, "resubmit", "resubmit", Action.ATTACH),
        (SUBMITTED, "j", True, "fail", "reuse", Action.ATTACH),
        (SUBMITTED, None, False, "fail", "reuse", Action.STOP),
        (HANDED_OVER, "j", False, "fail", "reuse", Action.ATTACH),
        (HANDED_OVER, "j", True, "resubmit", "resubmit", Action.ATTACH),
        (HANDED_OVER, None, False, "fail", "reuse", Action.STOP),
        (FINISHED, "j", False, "fail", "reuse", Action.REUSE),
        (FINISHED, "j", True, "resubmit", "reuse", Action.REUSE),
        (FINISHED, "j", False, "fail", "resubmit", Action.SUBMIT),
        (FINISHED, "j", True, "fail", "resubmit", Action.SUBMIT),
        (FINISHED, None, False, "fail", "reuse", Action.STOP),
        (FINISHED, None, False, "resubmit", "reuse", Action.STOP),
        (FAILED, "j", False, "fail", "reuse", Action.SUBMIT),
        (FAILED, None, False, "fail", "reuse", Action.SUBMIT),
        (FAILED, "j", True, "fail", "reuse", Action.SUBMIT),
    ],
)
def test_what_a_later_attempt_does(
    phase: Phase, job_id: str | None, own_id: bool, uncertain: str, finished: str, action: Action
) -> None:
    stored = record(phase, job_id)
    decision = decide(
        stored,
        SAME,
        idempotency=CALLER_ID if own_id else Idempotency.NONE,
        on_uncertain_submit=uncertain,
        on_finished_job=finished,
    )
    assert decision.action is action
    if action is Action.SUBMIT:
        generation = 4 if (phase, job_id) == (FAILED, None) else 5
        assert decision.record == SubmissionRecord(phase=Phase.SUBMITTING, fingerprint=SAME, generation=generation)
    else:
        attached = phase is SUBMITTING and action is Action.ATTACH
        assert decision.record == (stored.reached(SUBMITTED) if attached else stored)
    assert decision.why


@pytest.mark.parametrize("own_id", [False, True])
@pytest.mark.parametrize("uncertain", ["fail", "resubmit"])
@pytest.mark.parametrize("finished", ["reuse", "resubmit"])
def test_first_attempt_submits(own_id: bool, uncertain: str, finished: str) -> None:
    decision = decide(
        None,
        SAME,
        idempotency=CALLER_ID if own_id else Idempotency.NONE,
        on_uncertain_submit=uncertain,
        on_finished_job=finished,
    )
    assert decision.action is Action.SUBMIT
    assert decision.record == SubmissionRecord(phase=Phase.SUBMITTING, fingerprint=SAME, generation=0)


def test_a_record_that_may_have_been_discarded_stops_the_attempt_or_lets_it_pay_as_the_user_chose() -> None:
    stopped = decide(None, SAME, forgotten=True)
    assert (stopped.action, stopped.why) == (Action.STOP, FORGOTTEN)
    paying = decide(None, SAME, forgotten=True, on_uncertain_submit="resubmit")
    assert (paying.action, paying.why) == (Action.SUBMIT, FORGOTTEN)


@pytest.mark.parametrize("phase", list(Phase))
def test_a_record_that_is_there_was_not_discarded(phase: Phase) -> None:
    stored = record(phase)
    assert decide(stored, SAME, forgotten=True) == decide(stored, SAME)


@pytest.mark.parametrize("own_id", [False, True])
@pytest.mark.parametrize("phase", list(Phase))
def test_changed_request_is_another_job(phase: Phase, own_id: bool) -> None:
    decision = decide(record(phase), OTHER, idempotency=CALLER_ID if own_id else Idempotency.NONE)
    assert decision.action is Action.SUBMIT
    assert decision.record == SubmissionRecord(phase=Phase.SUBMITTING, fingerprint=OTHER, generation=5)


@pytest.mark.parametrize("fingerprint", [SAME, OTHER])
def test_refused_submit_bought_nothing_and_is_not_counted(fingerprint: str) -> None:
    refused = record(FAILED, job_id=None)
    assert refused.bought == 4
    assert decide(refused, fingerprint).record.generation == 4


@pytest.mark.parametrize(
    ("phase", "job_id"),
    [(SUBMITTING, None), (SUBMITTING, "j"), (SUBMITTED, "j"), (HANDED_OVER, "j"), (FINISHED, "j"), (FAILED, "j")],
)
def test_every_other_submit_counts_as_bought(phase: Phase, job_id: str | None) -> None:
    assert record(phase, job_id).bought == 5


# -- records ---------------------------------------------------------------------------------------------------

job_ids = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=500)
records = st.builds(
    SubmissionRecord,
    phase=st.sampled_from(Phase),
    fingerprint=st.text("0123456789abcdef", min_size=32, max_size=32),
    generation=st.integers(0, 1000),
    job_id=job_ids,
    submitted_at=st.none() | st.floats(0, 4e9),
) | st.builds(
    SubmissionRecord, phase=st.sampled_from([SUBMITTING, FAILED]), fingerprint=st.just(SAME), job_id=st.none()
)


@given(records)
def test_record_survives_the_store(kept: SubmissionRecord) -> None:
    store = Memory()
    save(store, kept)
    assert load(store) == kept


@pytest.mark.parametrize("job_id", [" j", "j\n", "", "j j", "\ud800", "\x00", "j" * 501], ids=ascii)
def test_record_that_would_be_read_back_as_another_is_not_written(job_id: str) -> None:
    store = Memory()
    with pytest.raises(ValueError, match=r"submission record|job_id must be"):
        save(store, record(SUBMITTED, job_id))
    assert store == {}


def test_no_record_is_none() -> None:
    assert load(Memory()) is None


@pytest.mark.parametrize(("failed", "phase"), [(True, Phase.FAILED), (False, Phase.FINISHED)])
def test_end_of_a_job_is_noted_in_its_record(failed: bool, phase: Phase) -> None:
    store = Memory()
    save(store, record(Phase.SUBMITTED))
    conclude(store, failed=failed)
    assert load(store) == record(phase)


def test_end_of_a_job_without_a_record_notes_nothing() -> None:
    store = Memory()
    conclude(store, failed=False)
    assert store == {}


def test_next_job_forgets_the_last_ones_id_and_counts_on() -> None:
    assert next_record(record(Phase.FINISHED), OTHER) == SubmissionRecord(
        phase=Phase.SUBMITTING, fingerprint=OTHER, generation=5
    )
