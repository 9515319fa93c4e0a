# SPDX-License-Identifier: Apache-2.0
"""When a batch buys no more: it was stopped, or the account is refused. What is in flight is not lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_videoai.batches import submits
from airflow_provider_videoai.jobs.errors import SubmitRejected
from tests.batches.published import lines
from tests.support.which_airflow import AirflowFailException

pytestmark = pytest.mark.usefixtures("prompt")

NO_CREDIT = {"topview": "4100", "tencent_ivh": "100013"}
ACCOUNTS = pytest.mark.parametrize("case", ["topview", "tencent_video"], indirect=True)


class TimedOutError(BaseException):
    """What Airflow raises in the main thread when `execution_timeout` is over: no Exception."""


@pytest.fixture
def timeout() -> Iterator[None]:
    """Let a signal raise in the main thread, as Airflow's own timeout does."""

    def over(*_: Any) -> None:
        raise TimedOutError

    before = signal.signal(signal.SIGUSR1, over)
    yield
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.usefixtures("timeout")
@pytest.mark.parametrize("case", ["viitor"], indirect=True)
def test_a_batch_over_its_execution_timeout_buys_no_more(
    case: Any, batch: Any, rows: Any, bought: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    obtain, over = submits.Submits._obtain, threading.Event()

    def slow(self: submits.Submits, item: Any) -> None:
        obtain(self, item)
        if not over.is_set():
            over.set()
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        stopped.wait(5)

    stopped = threading.Event()
    stop = submits.Submits.stop

    def noted(self: submits.Submits) -> None:
        stop(self)
        stopped.set()

    task = batch(case, rows(case, 40), max_in_flight=40)
    with monkeypatch.context() as patched:
        patched.setattr(submits.Submits, "_obtain", slow)
        patched.setattr(submits.Submits, "stop", noted)
        with pytest.raises(TimedOutError):
            task.run()
    already = bought(case)
    assert len(already) <= submits.SUBMITTERS
    assert task.run()["succeeded"] == 40
    assert bought(case)[: len(already)] == already
    assert len(bought(case)) == 40


@ACCOUNTS
def test_an_account_without_credit_stops_the_purchases_and_what_was_bought_is_taken_in(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submits, "SUBMITTERS", 1)
    monkeypatch.setattr("airflow_provider_videoai.batches.pause._FIRST", 0.05)
    monkeypatch.setattr("airflow_provider_videoai.batches.pause._SHORTEST", 0.05)
    refused = {"vendor": case.vendor, "call": "submit", "kind": "quota_full", "code": NO_CREDIT[case.vendor]}
    sandbox.fault(**refused, after=2, times=1000)
    manifest = f"{folder}/all.jsonl"
    task = batch(case, rows(case, 30), manifest=manifest, tolerate="100%", max_in_flight=10)
    with pytest.raises(SubmitRejected, match=NO_CREDIT[case.vendor]) as error:
        task.run()
    assert isinstance(error.value, AirflowFailException)
    states = [line["state"] for line in lines(manifest).values()]
    assert (states.count("succeeded"), states.count("queued")) == (2, 28)
    (fault,) = (each for each in sandbox.faults() if each["kind"] == "quota_full")
    assert fault["fired"] < 14, "each item was refused by itself"
    sandbox.clear_faults()
    assert task.run()["succeeded"] == 30
    assert len(bought(case)) == 30
