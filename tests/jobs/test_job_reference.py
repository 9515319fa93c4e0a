# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_videoai.jobs.job_reference import JobReference, source_of

CARD = JobReference(
    vendor="topview",
    operation="video_avatar",
    polled_as="video_avatar:s3",
    conn_id="topview_default",
    job_ids=("a", "b"),
    submitted_at=1_700_000_000.0,
    source="https://example.com/clip.mp4?signature=secret",
)


def test_a_card_outlives_the_way_through_json() -> None:
    assert JobReference.read(json.loads(json.dumps(CARD.to_json()))) == CARD


@pytest.mark.parametrize("value", [None, "text", 3, [], {}], ids=str)
def test_what_is_no_card_is_read_as_none(value: Any) -> None:
    assert JobReference.read(value) is None


@pytest.mark.parametrize(
    "change",
    [
        {"job_ids": []},
        {"refusal": {"error": "SubmitRejected", "message": "no"}},
        {"job_ids": [], "refusal": {"error": "", "message": "no"}},
        {"job_ids": [], "refusal": {"error": "SubmitRejected", "message": "\ud800"}},
        {"job_ids": [], "refusal": {"error": "SubmitRejected", "message": "x" * 8001}},
        {"job_ids": [], "refusal": "no"},
        {"job_ids": [""]},
        {"job_ids": ["a\x00b"]},
        {"job_ids": ["x" * 1001]},
        {"job_ids": ["a"] * 50_001},
        {"vendor": ""},
        {"operation": "x" * 251},
        {"polled_as": "a\nb"},
        {"conn_id": "\ud800"},
        {"submitted_at": -1},
        {"submitted_at": 1e300},
        {"submitted_at": float("nan")},
        {"submitted_at": float("inf")},
        {"source": "\ud800"},
        {"source": "x" * 8001},
    ],
    ids=lambda change: str(change)[:40],
)
def test_a_card_with_what_no_task_stores_is_read_as_none(change: Any) -> None:
    assert JobReference.read(CARD.to_json() | change) is None


def test_a_card_of_a_later_version_is_read() -> None:
    assert JobReference.read(CARD.to_json() | {"colour": "blue"}) == CARD


def test_a_cards_representation_does_not_show_a_signed_source() -> None:
    assert "secret" not in repr(CARD)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        (7, "7"),
        ("x" * 3000, "x" * 2000),
        ("https://example.com/?" + "x" * 3000, "https://example.com/?" + "x" * 3000),
        ("https://example.com/?" + "x" * 9000, "https://example.com/?" + "x" * 1979),
    ],
    ids=["absent", "number", "long text", "long URL", "absurd URL"],
)
def test_a_text_is_cut_and_a_url_is_not(value: Any, kept: str | None) -> None:
    assert source_of(value) == kept
