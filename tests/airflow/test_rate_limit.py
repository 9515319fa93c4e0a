# SPDX-License-Identifier: Apache-2.0
"""One rate limit for all processes of a machine: workers that submit and poll, and the triggerer."""

from __future__ import annotations

import pytest
from standalone import Standalone

from airflow_provider_videoai.sandbox.running import Sandbox
from tests.airflow.conftest import REQUESTS_PER_MINUTE

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]


def test_no_minute_holds_more_requests_of_all_processes_than_the_limit(airflow: Standalone, sandbox: Sandbox) -> None:
    before = {key: len(entries) for key, entries in sandbox.ledger("topview").items() if isinstance(entries, list)}
    assert airflow.finish("rate_limit", airflow.trigger("rate_limit"), 540) == "success"
    after = sandbox.ledger("topview")
    sent = sorted(entry["at"] for key in ("submissions", "polls") for entry in after[key][before[key] :])
    assert len(after["submissions"]) - before["submissions"] == 8
    assert len(sent) > REQUESTS_PER_MINUTE, "else the limit was never in the way"
    fullest = max(sum(start <= at < start + 60 for at in sent) for start in sent)
    assert fullest <= REQUESTS_PER_MINUTE
    assert after["refused"][before["refused"] :] == []
