# SPDX-License-Identifier: Apache-2.0
"""Job ids come from DAG files, templates and other tasks' XComs: any value is read, or refused by name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.tasks.job_ids import JobIds, job_ids_of
from airflow_provider_videoai.vendors.topview import Topview
from tests.support.fuzzing import json_values, outcome

RESULT = {"job_id": "a1", "media_url": "https://host/it's.mp4?sign=word", "details": {"x": None}}


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("a1", JobIds(["a1"], False)),
        (["a1", "b2"], JobIds(["a1", "b2"], True)),
        (("a1",), JobIds(["a1"], True)),
        (RESULT, JobIds(["a1"], False)),
        ({**RESULT, "vendor": "topview"}, JobIds(["a1"], False)),
        ([RESULT, "b2"], JobIds(["a1", "b2"], True)),
        ("['a1', 'b2']", JobIds(["a1", "b2"], True)),
        *[(write(RESULT), JobIds(["a1"], False)) for write in (json.dumps, repr)],
        *[(write([RESULT]), JobIds(["a1"], True)) for write in (json.dumps, repr)],
    ],
)
def test_an_id_a_result_and_lists_of_these_are_read_also_from_text(value: Any, ids: JobIds) -> None:
    assert job_ids_of(value, Topview) == ids


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "not None: check the template, or the task and the XCom key"),
        ("None", "'None' is no id: check the template"),
        (["a1", None], "not None: check the template"),
        ({"job_id": None}, "check the template"),
        ({"vendor": "viitor", "job_id": "a1"}, "must be a job of Topview, not the result of one of 'viitor'"),
        (["a1", {"vendor": 7, "job_id": "a1"}], "not the result of one of 7"),
        ({"media_url": "https://host/a?sign=word"}, r"not \{'media_url': 'https://host/a\?\.\.\.'\}"),
        (7, "must be an id or a list of ids, not 7"),
        ([7], "must be a text, or the result of an operator"),
        (b"a1", "must be an id or a list"),
        ({"a1", "b2"}, "must be an id or a list"),
        ("http://me:word@host/a b?sign=word", r"not 'http://host/a b\?\.\.\.'"),
        ("a\x00b", "must be .* not "),
        ("a\ud800b", "must be .* not "),
        ("a\u202eb", "must be .* not "),
    ],
)
def test_what_names_no_job_is_refused_with_what_was_given(value: Any, said: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^job_id: .*{said}") as refused:
        job_ids_of(value, Topview)
    assert "word" not in str(refused.value)
    str(refused.value).encode()


@given(json_values("a1", "None", RESULT["media_url"]) | st.binary() | st.sets(st.text()))
def test_any_value_is_read_or_refused_as_an_invalid_request(value: Any) -> None:
    assert isinstance(outcome(lambda: job_ids_of(value, Topview)), JobIds | InvalidRequest)
