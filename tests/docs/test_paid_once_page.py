# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videoai.jobs.protocol.idempotency import Idempotency
from airflow_provider_videoai.jobs.submission.decision import Action, decide
from airflow_provider_videoai.jobs.submission.record import STORE_KEY, Phase, SubmissionRecord
from airflow_provider_videoai.jobs.submission.submitter import GONE_AGAIN_AFTER
from airflow_provider_videoai.jobs.submission.writer import Writer

NOW, BEFORE = "fingerprint-of-now", "fingerprint-of-before"

Case = tuple[str, str, str, str, str, str]
Row = list[str]
CASES: list[Case] = [
    case
    for case in itertools.product(
        ["none", *Phase],
        ["same", "changed"],
        ["yes", "no", "key", "old key"],
        [*Idempotency],
        ["fail", "resubmit"],
        ["reuse", "resubmit"],
    )
    # Without a record there is nothing to compare with, and no id; only a submit in flight has a key.
    if (case[0] != "none" or case[1:3] == ("changed", "no")) and (case[0] == "submitting" or "key" not in case[2])
]


@pytest.fixture
def rows(page: Callable[[str], Any], cells: Callable[[str], list[Row]]) -> list[Row]:
    return cells(page("explanation/paid-once.md").section("## What an attempt does"))


def row_of(rows: list[Row], case: Case) -> Row:
    return next(row for row in rows if all(cell in ("-", value) for cell, value in zip(row[:6], case, strict=True)))


def decided(case: Case) -> list[str]:
    phase, request, has_id, idempotency, on_uncertain_submit, on_finished_job = case
    stored = None
    if phase != "none":
        stored = SubmissionRecord(
            phase=Phase(phase),
            fingerprint=NOW if request == "same" else BEFORE,
            generation=7,
            job_id="job-1" if has_id == "yes" else None,
            idempotency_key="5a" * 16 if "key" in has_id else None,
        )
    decision = decide(
        stored,
        NOW,
        idempotency=Idempotency(idempotency),
        key_expired=has_id == "old key",
        on_uncertain_submit=on_uncertain_submit,
        on_finished_job=on_finished_job,
    )
    generation = {0: "0", 7: "same", 8: "+1"}[decision.record.generation]
    return [str(decision.action), generation]


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_the_table_says_what_the_function_decides(rows: list[Row], case: Case) -> None:
    assert row_of(rows, case)[6:] == decided(case)


def test_every_row_of_the_table_counts_for_some_case(rows: list[Row]) -> None:
    counted = [row_of(rows, case) for case in CASES]
    assert [row for row in rows if row not in counted] == []


def test_the_record_is_described_field_by_field(page: Callable[[str], Any], cells: Callable[[str], list[Row]]) -> None:
    described = cells(page("explanation/paid-once.md").section("## The record"))
    assert [row[0] for row in described] == list(
        SubmissionRecord(phase=Phase.SUBMITTING, idempotency_key="5a" * 16, writer=Writer(1, "a", 2)).to_json()
    )


def test_the_page_names_the_key_of_the_record(page: Callable[[str], Any]) -> None:
    assert f"/state-store/{STORE_KEY}?map_index=" in page("explanation/paid-once.md").text


def test_the_page_says_for_how_long_a_finished_job_that_is_gone_is_queried(page: Callable[[str], Any]) -> None:
    said = " ".join(page("explanation/paid-once.md").section("## What an attempt does").split())
    assert len(GONE_AGAIN_AFTER) == 2
    assert f"in three requests within {sum(GONE_AGAIN_AFTER):.0f} seconds, submit again" in said


def test_what_the_page_says_to_write_attaches(page: Callable[[str], Any]) -> None:
    whole = page("explanation/paid-once.md")
    patched = re.findall(r"""-d '(\{"value".*\})'$""", whole.text, re.MULTILINE)
    written = [*map(json.loads, whole.blocks("json")), *(json.loads(each)["value"] for each in patched)]
    assert len(written) == 2
    for record in written:
        assert decide(SubmissionRecord.from_json(record), NOW).action is Action.ATTACH


def test_smallest_record_for_another_job_submits(page: Callable[[str], Any]) -> None:
    (smallest,) = re.findall(r"`(\{.*?\})` is enough", page("explanation/paid-once.md").section("## Buy another job"))
    assert decide(SubmissionRecord.from_json(smallest), NOW).action is Action.SUBMIT
