# SPDX-License-Identifier: Apache-2.0
"""A job is cancelled within its seconds or not at all, and what is said of it is true."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.protocol.call import json_body
from airflow_provider_videoai.jobs.protocol.options import ConnectionOptions
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from airflow_provider_videoai.jobs.submission.cancellation import acancel, cancel_in_thread

Cancel = Callable[[Vendor, float], str]
STILL_BILLED = "unless it has ended by now, it goes on and is billed"


def on_a_worker(vendor: Vendor, seconds: float) -> str:
    return cancel_in_thread(vendor, "develop", "job/1", seconds)


def in_the_triggerer(vendor: Vendor, seconds: float) -> str:
    return asyncio.run(acancel(vendor, "develop", "job/1", seconds))


@pytest.fixture(params=[on_a_worker, in_the_triggerer], ids=lambda way: way.__name__)
def cancel(request: pytest.FixtureRequest) -> Cancel:
    return request.param


def answering(server: Any, status: int, body: bytes = b"") -> None:
    def behave(wire: Any) -> None:
        wire.read()
        wire.answer(body, status)

    server.behave = behave


@pytest.mark.parametrize(("status", "body"), [(204, b""), (200, json_body({"cancelled": True})), (409, b"")])
def test_job_that_was_cancelled_is_not_said_to_go_on(
    cancel: Cancel, open_lab: Any, server: Any, status: int, body: bytes
) -> None:
    answering(server, status, body)
    said = cancel(open_lab("cancel_lab", host=server.url), 5)
    assert said == "Job job/1 was cancelled at Cancel lab, or had ended."
    assert [request.split("?")[0] for request in server.requests] == ["DELETE /orders/job%2F1"]


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, json_body({"cancelled": False}), "was not cancelled by Cancel lab"),
        (423, json_body({"message": "too late"}), "too late"),
        (500, b"", "HTTP 500"),
    ],
)
def test_job_that_was_not_cancelled_is_said_to_go_on(
    cancel: Cancel, open_lab: Any, server: Any, status: int, body: bytes, reason: str
) -> None:
    answering(server, status, body)
    said = cancel(open_lab("cancel_lab", host=server.url), 5)
    assert reason in said
    assert STILL_BILLED in said


def test_job_that_is_unknown_is_not_said_to_be_billed(cancel: Cancel, open_lab: Any, server: Any) -> None:
    answering(server, 404)
    said = cancel(open_lab("cancel_lab", host=server.url), 5)
    assert said == "Job job/1 is unknown to Cancel lab: there was nothing to cancel."


def test_vendor_that_never_answers_holds_nobody_up(cancel: Cancel, open_lab: Any, server: Any) -> None:
    released = threading.Event()

    def behave(wire: Any) -> None:
        wire.read()
        released.wait(30)

    server.behave = behave
    began = time.monotonic()
    said = cancel(open_lab("cancel_lab", host=server.url), 0.3)
    # The bound is loose: it is that of a test that would else hang for the account's 30 seconds.
    assert time.monotonic() - began < 10
    released.set()
    assert STILL_BILLED in said


def test_cancel_does_not_wait_for_the_accounts_rate_limit(cancel: Cancel, open_lab: Any, server: Any) -> None:
    answering(server, 204)
    vendor = open_lab("cancel_lab", host=server.url, options=ConnectionOptions(max_requests_per_minute=0.001))
    for _ in range(2):
        assert "was cancelled" in cancel(vendor, 5)


def test_signal_handler_may_cancel(open_lab: Any, server: Any) -> None:
    answering(server, 204)
    vendor = open_lab("cancel_lab", host=server.url)
    said: list[str] = []
    before = signal.signal(signal.SIGUSR1, lambda *_: said.append(on_a_worker(vendor, 5)))
    try:
        signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert "was cancelled" in said[0]


def test_defect_of_a_vendor_is_said_and_not_raised(cancel: Cancel, open_lab: Any) -> None:
    def broken(*_: Any) -> Any:
        raise VideoAIError("no such operation")

    vendor = open_lab("cancel_lab", cancel=broken)
    assert "no such operation" in cancel(vendor, 5)


def test_only_a_vendor_that_documents_it_can_cancel(open_lab: Any) -> None:
    assert type(open_lab("cancel_lab")).can_cancel()
    assert not type(open_lab()).can_cancel()
    with pytest.raises(NotImplementedError, match="documents no way to cancel"):
        open_lab().cancel("develop", "job-1")
