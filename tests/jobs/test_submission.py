# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.fingerprint import fingerprint_of
from airflow_provider_videoai.jobs.submission import (
    STORE_KEY,
    Action,
    Phase,
    SubmissionRecord,
    anew,
    conclude,
    decide,
    derived_job_id,
    load,
    save,
)

SAME, OTHER = "same", "other"


class Memory(dict[str, Any]):
    """A store that takes only what JSON can hold, as Airflow's does."""

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
        (SUBMITTING, "j", False, "fail", "reuse", Action.STOP),
        (SUBMITTING, None, True, "fail", "reuse", Action.STOP),  # there is no id to ask about
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
        (FAILED, "j", False, "fail", "reuse", Action.SUBMIT),
        (FAILED, None, False, "fail", "reuse", Action.SUBMIT),
        (FAILED, "j", True, "fail", "reuse", Action.SUBMIT),
    ],
)
def test_what_a_later_attempt_does(
    phase: Phase, job_id: str | None, own_id: bool, uncertain: str, finished: str, action: Action
) -> None:
    stored = record(phase, job_id)
    decision = decide(stored, SAME, caller_chooses_id=own_id, on_uncertain_submit=uncertain, on_finished_job=finished)
    assert decision.action is action
    if action is Action.SUBMIT:
        generation = 4 if (phase, job_id) == (FAILED, None) else 5
        assert decision.record == SubmissionRecord(phase=Phase.SUBMITTING, fingerprint=SAME, generation=generation)
    else:
        assert decision.record == stored
    assert decision.why


@pytest.mark.parametrize("own_id", [False, True])
@pytest.mark.parametrize("uncertain", ["fail", "resubmit"])
@pytest.mark.parametrize("finished", ["reuse", "resubmit"])
def test_first_attempt_submits(own_id: bool, uncertain: str, finished: str) -> None:
    decision = decide(None, SAME, caller_chooses_id=own_id, on_uncertain_submit=uncertain, on_finished_job=finished)
    assert decision.action is Action.SUBMIT
    assert decision.record == SubmissionRecord(phase=Phase.SUBMITTING, fingerprint=SAME, generation=0)


@pytest.mark.parametrize("own_id", [False, True])
@pytest.mark.parametrize("phase", list(Phase))
def test_changed_request_is_another_job(phase: Phase, own_id: bool) -> None:
    decision = decide(record(phase), OTHER, caller_chooses_id=own_id)
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

records = st.builds(
    SubmissionRecord,
    phase=st.sampled_from(Phase),
    fingerprint=st.text(),
    generation=st.integers(0, 1000),
    job_id=st.none() | st.text(),
    submitted_at=st.none() | st.floats(0, 4e9),
)


@given(records)
def test_record_survives_the_store(kept: SubmissionRecord) -> None:
    store = Memory()
    save(store, kept)
    assert load(store) == kept


def test_no_record_is_none() -> None:
    assert load(Memory()) is None


@pytest.mark.parametrize(
    "foreign",
    [
        "submitted",
        7,
        [],
        {},
        True,
        {"phase": "submitted"},
        {"phase": "paid", "fingerprint": "f"},
        {"phase": "submitted", "fingerprint": "f", "colour": "red"},
        {"phase": "submitted", "fingerprint": "f", "job_id": 12},
    ],
    ids=repr,
)
def test_foreign_value_is_not_taken_for_no_record(foreign: Any) -> None:
    with pytest.raises(ValueError, match=STORE_KEY):
        load(Memory({STORE_KEY: foreign}))


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
    assert anew(record(Phase.FINISHED), OTHER) == SubmissionRecord(
        phase=Phase.SUBMITTING, fingerprint=OTHER, generation=5
    )


# -- fingerprints and derived ids ------------------------------------------------------------------------------

BASE = ("lab", "my_conn", "develop", {"film": "sunset", "size": 3})


def test_fingerprint_is_the_same_whatever_the_order_of_the_fields() -> None:
    assert fingerprint_of(*BASE) == fingerprint_of("lab", "my_conn", "develop", {"size": 3, "film": "sunset"})


@pytest.mark.parametrize(
    "other",
    [
        ("loo", "my_conn", "develop", {"film": "sunset", "size": 3}),
        ("lab", "my_con", "develop", {"film": "sunset", "size": 3}),
        ("lab", "my_conn", "reprint", {"film": "sunset", "size": 3}),
        ("lab", "my_conn", "develop", {"film": "sunset"}),
        ("lab", "my_conn", "develop", {"film": "sunset", "size": "3"}),
        ("labm", "y_conn", "develop", {"film": "sunset", "size": 3}),
    ],
)
def test_fingerprint_changes_with_each_of_its_parts(other: Any) -> None:
    assert fingerprint_of(*BASE) != fingerprint_of(*other)


FILM = "https://bucket.example.com/films/sunset.mp4"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("?X-Amz-Date=1&X-Amz-Expires=9&X-Amz-Signature=aa", "?X-Amz-Date=2&X-Amz-Expires=9&X-Amz-Signature=bb"),
        ("?v=1&Expires=1&Signature=aa&Key-Pair-Id=k", "?v=1&Expires=2&Signature=bb&Key-Pair-Id=k"),
        ("?OSSAccessKeyId=k&Expires=1&Signature=aa", "?OSSAccessKeyId=k&Expires=2&Signature=bb"),
        ("?x-oss-date=1&x-oss-signature=aa", "?x-oss-date=2&x-oss-signature=bb"),
        ("?X-Goog-Date=1&X-Goog-Signature=aa", "?X-Goog-Date=2&X-Goog-Signature=bb"),
        ("?q-sign-time=1&q-signature=aa", "?q-sign-time=2&q-signature=bb"),
        ("?sv=2024&se=1&sig=aa", "?sv=2024&se=2&sig=bb"),
    ],
)
def test_url_that_is_signed_anew_is_the_same_request(first: str, second: str) -> None:
    made = {
        fingerprint_of("lab", "c", "o", {"film": FILM + query, "more": [FILM + query]}) for query in (first, second)
    }
    assert len(made) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("?v=1", "?v=2"),
        ("?v=1&Signature=a", "?v=2&Signature=a"),
        ("?st=5", "?st=6"),
        ("?expires=1", "?expires=2"),
        ("", "?v=1"),
    ],
)
def test_url_that_names_something_else_is_another_request(first: str, second: str) -> None:
    assert fingerprint_of("lab", "c", "o", {"f": FILM + first}) != fingerprint_of("lab", "c", "o", {"f": FILM + second})


@given(st.text(min_size=4), st.text(min_size=4), st.text(min_size=8))
def test_fingerprint_holds_nothing_of_its_input(conn_id: str, operation: str, url: str) -> None:
    fingerprint = fingerprint_of("lab", conn_id, operation, {"url": url})
    assert len(fingerprint) == 32
    assert set(fingerprint) <= set("0123456789abcdef")
    assert url not in fingerprint


IDENTITY = ("dag", "run", "task", "-1")


def test_derived_id_is_stable() -> None:
    """A later version must derive the same: a worker may be upgraded between two attempts."""
    assert derived_job_id(IDENTITY, "f" * 32, 0) == "d8ad6f10b79d808d840718267e4cd9f9"


def test_derived_ids_differ_by_generation_request_and_every_part_of_the_identity() -> None:
    identities = [IDENTITY, ("dag2", *IDENTITY[1:]), ("da", "grun", *IDENTITY[2:]), (*IDENTITY[:3], "0")]
    made = {
        derived_job_id(identity, fingerprint, generation)
        for identity in identities
        for fingerprint in ("f" * 32, "e" * 32)
        for generation in range(5)
    }
    assert len(made) == 40
    assert all(len(job_id) == 32 and job_id.isalnum() for job_id in made)
