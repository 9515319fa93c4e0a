# SPDX-License-Identifier: Apache-2.0
"""Ids of jobs: what cannot be kept and shown is none, and a job bought under such an id is not lost from sight."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.hooks.lookup import hook_for
from airflow_provider_videoai.jobs.errors import InvalidRequest, SubmitUncertain
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from airflow_provider_videoai.jobs.request import JobRequest
from airflow_provider_videoai.jobs.values.printable import is_printable, shown
from airflow_provider_videoai.registry import VENDORS
from tests.support.fuzzing import fuzz

NO_IDS = ["", " ", "a b", " a", "a\n b", "a\x1b[2J", "a\x00", "\u202ea", "a\u200b", "\ud83d", "a\ufffd", "a" * 501]


@pytest.fixture(params=list(VENDORS))
def vendor(request: pytest.FixtureRequest) -> Vendor:
    kind = hook_for(request.param).vendor_class
    return kind(Account(conn_id="c", host="http://127.0.0.1:9", login="1", password="secret"), time.time)


@pytest.mark.parametrize("job_id", [*NO_IDS, None, 7, ["a"], {"a": 1}], ids=ascii)
def test_what_cannot_be_kept_and_shown_is_no_job_id(vendor: Vendor, job_id: Any) -> None:
    with pytest.raises(InvalidRequest, match="job_id: ") as refused:
        vendor.check_job_id(job_id)
    assert is_printable(refused.value.message)
    assert len(refused.value.message) < 500


@fuzz
@given(job_id=st.text(max_size=600))
def test_what_passes_as_a_job_id_is_one_printable_word(job_id: str) -> None:
    try:
        Vendor.check_job_id(job_id)
    except InvalidRequest:
        return
    assert is_printable(job_id)
    assert job_id.split() == [job_id]
    assert job_id.encode().decode() == job_id


@pytest.mark.parametrize("job_id", NO_IDS, ids=ascii)
def test_job_bought_under_an_id_that_cannot_be_kept_is_uncertain_and_its_id_is_shown(
    monkeypatch: pytest.MonkeyPatch, vendor: Vendor, job_id: str
) -> None:
    def submit(*_: Any) -> Any:
        yield from ()
        return job_id

    monkeypatch.setattr(type(vendor), "submit", submit)
    request = JobRequest()
    with pytest.raises(SubmitUncertain, match="it was bought") as bought:
        next(vendor.buy(request, None))
    assert shown(job_id) in bought.value.message
    assert is_printable(bought.value.message)
