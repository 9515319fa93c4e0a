# SPDX-License-Identifier: Apache-2.0
"""Records that another version or a person wrote: exactly understood, or the attempt stops. Never a purchase."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.protocol.idempotency import Idempotency
from airflow_provider_videoai.jobs.submission.decision import Action, decide
from airflow_provider_videoai.jobs.submission.record import STORE_KEY, Phase, SubmissionRecord
from airflow_provider_videoai.jobs.submission.record_store import conclude, load
from airflow_provider_videoai.jobs.values.usage import Usage
from tests.jobs.submission.desk import Store

NOW, BEFORE = "5a" * 16, "07" * 16
WHOLE = {
    "version": 1,
    "phase": "submitted",
    "fingerprint": NOW,
    "generation": 2,
    "job_id": "j-1",
    "submitted_at": 1778486400.0,
}


def test_record_is_written_with_its_version() -> None:
    record = SubmissionRecord.from_json(WHOLE)
    assert record.to_json() == WHOLE | {"seal": record.seal}


def test_other_job_id_in_a_record_that_an_attempt_wrote_proves_nothing() -> None:
    written = SubmissionRecord.from_json(WHOLE).to_json()
    assert SubmissionRecord.from_json(written).proven
    edited = SubmissionRecord.from_json(written | {"job_id": "typo"})
    assert not edited.proven
    assert edited.reached(Phase.SUBMITTED).proven


def test_record_of_a_version_without_seal_is_as_good_as_before() -> None:
    assert SubmissionRecord.from_json(WHOLE).proven


def test_what_the_job_used_is_kept_with_it_and_not_with_the_next_one() -> None:
    used = SubmissionRecord.from_json(WHOLE).reached(Phase.FINISHED, usage=Usage(credits=12.5))
    written = used.to_json()
    assert written["usage"] == {"credits": 12.5, "seconds": None, "jobs": None, "source": "vendor"}
    read = SubmissionRecord.from_json(json.loads(json.dumps(written)))
    assert (read, read.proven) == (used, True)
    assert read.reached(Phase.FINISHED).usage == Usage(credits=12.5)
    assert read.reached(Phase.SUBMITTING).usage is None


def test_a_job_that_ended_is_noted_with_what_it_used() -> None:
    store = Store([])
    store.set(STORE_KEY, SubmissionRecord.from_json(WHOLE).to_json())
    conclude(store, failed=False, usage=Usage(credits=3))
    record = load(store)
    assert record is not None
    assert (record.phase, record.usage, record.job_id) == (Phase.FINISHED, Usage(credits=3), "j-1")


@pytest.mark.parametrize("usage", [None, "12", 12, [], {}, {"credits": -1, "source": "vendor"}, {"credits": 12}])
def test_odd_usage_in_a_record_does_not_stop_an_attempt(usage: Any) -> None:
    assert SubmissionRecord.from_json(WHOLE | {"usage": usage}) == SubmissionRecord.from_json(WHOLE)


def test_what_a_later_version_adds_to_usage_is_left_out() -> None:
    later = {"credits": 12, "source": "vendor", "currency": "EUR"}
    read = SubmissionRecord.from_json(WHOLE | {"usage": later})
    assert (read.usage, read.not_understood) == (Usage(credits=12), ())


# -- by hand ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        {"job_id": "j-1", "phase": "submitted"},
        {"job_id": "j-1"},
        {"job_id": "  j-1\n"},
        {"job_id": "j-1", "phase": " Submitted "},
        {
            "job_id": "j-1",
            "phase": None,
            "generation": None,
            "fingerprint": None,
            "submitted_at": None,
            "version": None,
        },
        '{"job_id": "j-1", "phase": "submitted"}',
        ' {"job_id": "j-1"} ',
        json.dumps({**WHOLE, "phase": "SUBMITTED"}),
        WHOLE,
        {**WHOLE, "phase": "submitting"},  # the id was filled in, and the phase forgotten
    ],
    ids=str,
)
@pytest.mark.parametrize("uncertain", ["fail", "resubmit"])
def test_record_with_an_id_means_this_request(written: Any, uncertain: str) -> None:
    decision = decide(SubmissionRecord.from_json(written), NOW, on_uncertain_submit=uncertain)
    assert (decision.action, decision.record.job_id) == (Action.ATTACH, "j-1")


@pytest.mark.parametrize(("given_id", "read"), [(4711, "4711"), (2**63, str(2**63)), ("4711", "4711"), (0, "0")])
def test_id_may_be_a_number(given_id: Any, read: str) -> None:
    assert SubmissionRecord.from_json({"job_id": given_id}).job_id == read


@pytest.mark.parametrize(
    "written", [1778486400, 1778486400.0, "2026-05-11T08:00:00Z", " 2026-05-11T10:00:00+02:00", "2026-05-11 08:00:00"]
)
def test_time_may_be_a_text(written: Any) -> None:
    assert SubmissionRecord.from_json({"job_id": "j", "submitted_at": written}).submitted_at == 1778486400.0


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as away:
        away.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_tokyo")
def test_time_without_a_zone_is_utc_wherever_the_machine_is() -> None:
    record = SubmissionRecord.from_json({"job_id": "j", "submitted_at": "2026-05-11 08:00:00"})
    assert record.submitted_at == 1778486400.0


def test_failed_without_anything_else_allows_another_job() -> None:
    decision = decide(SubmissionRecord.from_json({"phase": "failed"}), NOW)
    assert decision.action is Action.SUBMIT
    assert decision.record == SubmissionRecord(phase=Phase.SUBMITTING, fingerprint=NOW)


PHASELESS: list[Any] = [{}, {"generation": 1}, "{}", {"jobid": "j"}]
IDLESS: list[Any] = [{"phase": "submitted"}, {"phase": "handed_over"}, {"phase": "finished"}]
FOREIGN: list[Any] = ["submitted", "[]", "", 7, [], [WHOLE], True, "NaN", "[" * 100_000]
WRONG_VALUES: dict[str, list[Any]] = {
    "phase": ["paid", "", 1, [], {}, True, "submitted\x00", "handed over"],
    "job_id": ["", " ", "a b", "\ud800", "\x1b[1m", 1.5, True, [], {}, -1, "j" * 501, 10**5000, "<the id>", "a\u202eb"],
    "fingerprint": ["", "...", "<as it was>", NOW + "0", 5, []],
    "generation": [-1, 0.5, 2.0, "2", True, 10**7, float("nan"), []],
    "submitted_at": [
        float("nan"),
        float("inf"),
        1e300,
        -1,
        10**400,
        "yesterday",
        "",
        True,
        [],
        "0001-01-01T00:00+09:00",
    ],
    "version": ["1", 0, -1, 1.0, True, []],
}
WRONG = [
    *[(written, "the record") for written in FOREIGN],
    *[(written, "phase") for written in PHASELESS],
    *[(written, "job_id") for written in IDLESS],
    *[({**WHOLE, field: value}, field) for field, wrong in WRONG_VALUES.items() for value in wrong],
]


@pytest.mark.parametrize(("written", "field"), WRONG, ids=[f"{field}-{n}" for n, (_, field) in enumerate(WRONG)])
def test_mistake_is_named_with_its_value_and_the_way_out(written: Any, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        SubmissionRecord.from_json(written)
    said = refused.value.message
    assert said.startswith(f"this task's state {STORE_KEY!r}: {field} must be ")
    assert '{"job_id": "<its id>", "phase": "submitted"}' in said
    assert "Nothing was submitted" in said
    assert len(said) < 700
    assert said.isprintable()


def test_pasted_url_is_not_shown_with_its_signature() -> None:
    with pytest.raises(InvalidRequest) as refused:
        SubmissionRecord.from_json({"job_id": "https://h.example.com/a b.mp4?X-Amz-Signature=5ecret"})
    assert "5ecret" not in refused.value.message


# -- of another version ----------------------------------------------------------------------------------------

NEWER: list[dict[str, Any]] = [{"colour": "red"}, {"version": 2}, {"version": 10**5000, "items": [1, 2]}, {"": None}]


@pytest.mark.parametrize("more", NEWER, ids=list)
@pytest.mark.parametrize(
    ("phase", "own_id", "action"),
    [
        ("submitted", False, Action.ATTACH),
        ("handed_over", True, Action.ATTACH),
        ("finished", False, Action.REUSE),
        ("submitting", True, Action.SETTLE),
    ],
)
def test_job_of_a_newer_version_is_found(more: dict[str, Any], phase: str, own_id: bool, action: Action) -> None:
    record = SubmissionRecord.from_json({**WHOLE, "phase": phase, **more})
    assert decide(record, NOW, idempotency=Idempotency.CALLER_ID if own_id else Idempotency.NONE).action is action


@pytest.mark.parametrize("more", NEWER, ids=list)
@pytest.mark.parametrize(
    "written",
    [{"phase": "failed"}, {"fingerprint": BEFORE}, {"phase": "finished"}, {"phase": "submitting", "job_id": None}],
)
def test_newer_version_leads_to_no_purchase(more: dict[str, Any], written: dict[str, Any]) -> None:
    record = SubmissionRecord.from_json({**WHOLE, **written, **more})
    decision = decide(record, NOW, on_uncertain_submit="resubmit", on_finished_job="resubmit")
    assert decision.action is Action.STOP
    assert decision.why


# -- any value -------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=()), max_size=40) | st.sampled_from(
    ["j-1", NOW, BEFORE, *Phase, "FAILED "]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
FIELDS = {
    "version": st.integers(-1, 3) | anything,
    "phase": st.sampled_from(Phase) | anything,
    "fingerprint": st.sampled_from([NOW, BEFORE]) | anything,
    "generation": st.integers(-1, 5) | anything,
    "job_id": texts | anything,
    "submitted_at": st.floats() | st.sampled_from(["2026-05-11T08:00:00Z"]) | anything,
}
nearly_records = st.fixed_dictionaries({}, optional={**FIELDS, "colour": anything})
stored_values = nearly_records | nearly_records.map(json.dumps) | anything


@given(
    stored_values,
    st.booleans(),
    st.sampled_from(["fail", "resubmit"]),
    st.sampled_from(["reuse", "resubmit"]),
)
def test_whatever_is_stored_is_exactly_understood_or_stops(
    stored: Any, own_id: bool, uncertain: str, finished: str
) -> None:
    try:
        record = SubmissionRecord.from_json(stored)
    except InvalidRequest:
        return
    decision = decide(
        record,
        NOW,
        idempotency=Idempotency.CALLER_ID if own_id else Idempotency.NONE,
        on_uncertain_submit=uncertain,
        on_finished_job=finished,
    )
    read = json.loads(stored) if isinstance(stored, str) else stored
    if decision.action is Action.SUBMIT:
        assert set(read) <= set(FIELDS)
        assert read.get("version") in (None, 1)
        assert (
            read.get("fingerprint") == BEFORE
            or record.phase is Phase.FAILED
            or (record.phase is Phase.FINISHED and finished == "resubmit")
            or (record.phase is Phase.SUBMITTING and record.job_id is None and uncertain == "resubmit")
        )
    elif decision.action is not Action.STOP:
        assert decision.record.job_id == str(read["job_id"]).strip()
