# SPDX-License-Identifier: Apache-2.0
"""A clear of Airflow 3.4 may discard a batch's records: then no item is bought again by itself."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videoai import airflow_compat
from airflow_provider_videoai.batches.part_values import INDEX_KEY
from airflow_provider_videoai.jobs.errors import SubmitUncertain

pytestmark = pytest.mark.usefixtures("prompt")


@pytest.fixture
def cleared(batch: Any, rows: Any, cases: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A batch that bought two jobs, was cleared, and has no records any more."""
    monkeypatch.setattr(airflow_compat, "AIRFLOW_V_3_4_PLUS", True)

    def cleared(**arguments: Any) -> Any:
        done = batch(cases["topview"], rows(cases["topview"], 2), **arguments)
        assert done.run()["succeeded"] == 2
        done.clear(keep_state=False)
        return done

    return cleared


def test_a_cleared_batch_without_records_buys_nothing(cleared: Any, cases: Any, bought: Any) -> None:
    forgotten = cleared()
    with pytest.raises(SubmitUncertain, match=r"task was cleared.*sent nothing.*submit every item again"):
        forgotten.start()
    assert len(bought(cases["topview"])) == 2


def test_what_the_error_says_submits_every_item_again(cleared: Any, cases: Any, bought: Any) -> None:
    forgotten = cleared()
    forgotten.store.values[INDEX_KEY] = '{"version": 1, "parts": 0}'
    forgotten.clear(keep_state=True)
    assert forgotten.run()["succeeded"] == 2
    assert len(bought(cases["topview"])) == 4


def test_who_wants_to_pay_again_has_other_jobs(cleared: Any, cases: Any, bought: Any) -> None:
    assert cleared(on_uncertain_submit="resubmit").run()["succeeded"] == 2
    assert len(bought(cases["topview"])) == 4


def test_a_clear_that_keeps_the_state_buys_nothing(cleared: Any, batch: Any, cases: Any, bought: Any) -> None:
    done = cleared()
    kept = batch(cases["topview"], done.make().requests)
    kept.run()
    kept.clear(keep_state=True)
    assert kept.run()["succeeded"] == 2
    assert len(bought(cases["topview"])) == 4
