# SPDX-License-Identifier: Apache-2.0
"""A batch that is killed anywhere buys nothing twice and loses nothing: at each of its writes, before and after it."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import BatchFailed
from tests.support.cases import ONE_EACH
from tests.support.tasks import StateStore

pytestmark = pytest.mark.usefixtures("prompt")

ALL_VENDORS = pytest.mark.parametrize("case", ONE_EACH, indirect=True)


class KilledError(BaseException):
    """The process is gone: no `except Exception` runs."""


class FatalStore(StateStore):
    """A task state store whose user is killed at its Nth write, before or after the value is stored."""

    def __init__(self, at: int, *, stored: bool) -> None:
        super().__init__()
        self._left = itertools.count(at, -1)
        self._stored = stored

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        left = next(self._left)
        if left < 0:  # the process is gone, and so are its other threads
            raise KilledError
        if left == 0 and not self._stored:
            raise KilledError
        super().set(key, value, retention=retention)
        if left == 0:
            raise KilledError

    def survivor(self) -> StateStore:
        store = StateStore()
        store.values = dict(self.values)
        return store


@ALL_VENDORS
@pytest.mark.parametrize("stored", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", [0, 1, 2, 3, 4, 5])
def test_a_batch_that_is_killed_at_a_write_buys_nothing_twice(
    case: Any, batch: Any, rows: Any, bought: Any, at: int, stored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One submit at a time: with more, each of them may be cut short, which is a claim of its own below.
    monkeypatch.setattr("airflow_provider_videoai.batches.submits.SUBMITTERS", 1)
    store = FatalStore(at, stored=stored)
    requests = rows(case, 3)
    killed = batch(case, requests, store=store, max_in_flight=2)
    try:
        killed.run()
    except KilledError:
        pass
    else:
        assert at >= 4, "the store was to end the process"
    already = bought(case)
    survivor = batch(case, requests, store=store.survivor(), max_in_flight=2)
    # One submit may have been cut short; then a person has to look, and nothing is bought for it.
    unknown = _unknown_after(survivor)
    assert unknown <= (0 if case.vendor == "cdnetworks" else 1)
    assert 3 - unknown <= len(bought(case)) <= 3
    assert bought(case)[: len(already)] == already
    _every_job_is_known(survivor.store, bought(case), unknown=unknown)


@pytest.mark.parametrize("case", ["viitor", "cdnetworks_trim"], indirect=True)
@pytest.mark.parametrize("at", [2, 3, 4])
def test_submits_at_the_same_time_are_all_settled_or_all_reported(
    case: Any, batch: Any, rows: Any, bought: Any, at: int
) -> None:
    store = FatalStore(at, stored=True)
    requests = rows(case, 8)
    with pytest.raises(KilledError):
        batch(case, requests, store=store).run()
    survivor = batch(case, requests, store=store.survivor())
    unknown = _unknown_after(survivor)
    if case.vendor == "cdnetworks":
        assert unknown == 0
    assert 8 - unknown <= len(bought(case)) <= 8
    _every_job_is_known(survivor.store, bought(case), unknown=unknown)


def _unknown_after(survivor: Any) -> int:
    """See an attempt through; return how many submits' outcomes it reports as unknown. No other item may fail."""
    try:
        survivor.run()
    except BatchFailed as failed:
        ends = [entry["end"] for entry in _entries(survivor.store).values()]
        assert {end["error"]["type"] for end in ends if end["state"] == "failed"} == {"SubmitUncertain"}
        return int(failed.failed)
    return 0


def _entries(store: StateStore) -> dict[str, Any]:
    entries: dict[str, Any] = json.loads(store.values["videoai_batch_0"])["items"]
    return entries


def _every_job_is_known(store: Any, jobs: list[str], *, unknown: int) -> None:
    known = {entry["submission"].get("job_id") for entry in _entries(store).values()} - {None}
    assert known <= set(jobs)
    assert len(set(jobs) - known) <= unknown
