# SPDX-License-Identifier: Apache-2.0
"""Transfers under failures of the network and of the vendors' storage."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from airflow_provider_videoai.airflow_compat import AirflowFailException
from airflow_provider_videoai.jobs.errors import ResultUnavailable, VendorUnavailable
from airflow_provider_videoai.media import download

MEGABYTES = 24
BREAKS: dict[str, list[dict[str, Any]]] = {
    "cut": [{"kind": "cut_media", "bytes": 3_000_000, "times": 5}],
    "reset": [{"kind": "reset", "times": 2}],
    "storage is down": [{"kind": "http_500"}, {"kind": "html_502"}, {"kind": "quota_full"}],
    "slow down": [{"kind": "rate_limited", "retry_after": 1}],
    "half of it": [{"kind": "truncated", "times": 3}],
    "more was announced than there is": [{"kind": "wrong_length", "bytes": 9}],
    "replaced in the middle": [{"kind": "cut_media", "bytes": 5_000_000}, {"kind": "replace_media"}],
}

Transfer = Callable[..., Any]


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_LONGEST_PAUSE", 0.01)


@pytest.fixture
def large(sandbox: Any) -> tuple[str, str]:
    """The URL of a large sample and its SHA-256."""
    url = f"{sandbox.url}/sample/large-{MEGABYTES}.mp4"
    return url, hashlib.sha256(httpx.get(url, trust_env=False).content).hexdigest()


@pytest.mark.parametrize("faults", BREAKS.values(), ids=BREAKS)
def test_an_interrupted_download_is_resumed_and_every_byte_is_right(
    sandbox: Any,
    store: Any,
    transfer: Transfer,
    result_at: Callable[..., dict[str, Any]],
    large: tuple[str, str],
    faults: list[dict[str, Any]],
) -> None:
    url, sha256 = large
    for fault in faults:
        sandbox.fault(call="media", **fault)

    kept = transfer(result_at(url), f"{store.root}/clip.mp4")

    assert all(fault["fired"] == fault["times"] for fault in sandbox.faults())
    assert (kept["sha256"], kept["bytes"]) == (sha256, MEGABYTES * 1_000_000)
    (content,) = store.files().values()
    assert hashlib.sha256(content).hexdigest() == sha256


def test_bytes_received_before_an_interruption_are_not_requested_again(
    sandbox: Any, file_store: Any, transfer: Transfer, result_at: Any, large: tuple[str, str], everything_said: Any
) -> None:
    sandbox.fault(call="media", kind="cut_media", bytes=10_000_000, times=2)
    transfer(result_at(large[0]), f"{file_store.root}/clip.mp4")
    said = everything_said()
    assert said.count("Interrupted at byte") == 2
    assert "Starting over" not in said


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_expired_url_is_replaced_by_a_fresh_one(
    sandbox: Any, store: Any, transfer: Transfer, topview_result: dict[str, Any], status: int
) -> None:
    sandbox.fault(vendor="topview", call="media", kind="expire_media", code=status)
    kept = transfer(topview_result, f"{store.root}/clip.mp4")
    assert store.files()["clip.mp4"]
    assert kept["job_id"] == topview_result["job_id"]
    assert len(sandbox.ledger("topview")["charges"]) == 1


def test_a_url_that_expires_midway_is_resumed_at_the_fresh_one(
    sandbox: Any, store: Any, transfer: Transfer, topview_result: dict[str, Any], everything_said: Any
) -> None:
    sandbox.fault(vendor="topview", call="media", kind="cut_media", bytes=20_000, pause=0.2)
    sandbox.fault(vendor="topview", call="media", kind="expire_media")
    kept = transfer(topview_result, f"{store.root}/clip.mp4")
    said = everything_said()
    assert "querying the vendor for a fresh one" in said
    assert "Starting over" not in said
    assert hashlib.sha256(store.files()["clip.mp4"]).hexdigest() == kept["sha256"]


def test_media_that_is_gone_for_good_is_not_retried(
    sandbox: Any, store: Any, transfer: Transfer, topview_result: dict[str, Any]
) -> None:
    sandbox.fault(vendor="topview", call="media", kind="expire_media", code=404, times=None)
    with pytest.raises(ResultUnavailable, match=r"no longer available.*on_finished_job='resubmit'") as gone:
        transfer(topview_result, f"{store.root}/clip.mp4")
    assert isinstance(gone.value, AirflowFailException)
    assert store.files() == {}


def test_a_job_unknown_to_the_vendor_has_no_fresh_url(
    sandbox: Any, file_store: Any, transfer: Transfer, topview_result: dict[str, Any]
) -> None:
    sandbox.fault(vendor="topview", call="media", kind="expire_media")
    forgotten = {**topview_result, "job_id": "0" * 32}
    with pytest.raises(ResultUnavailable, match="unknown to the vendor"):
        transfer(forgotten, f"{file_store.root}/clip.mp4")


@pytest.mark.parametrize("kind", ["html_page", "garbage"])
def test_an_error_page_that_pretends_to_be_the_media_is_never_published(
    sandbox: Any, store: Any, transfer: Transfer, topview_result: dict[str, Any], kind: str
) -> None:
    sandbox.fault(vendor="topview", call="media", kind=kind, times=None)
    with pytest.raises(ResultUnavailable, match="an error page"):
        transfer(topview_result, f"{store.root}/clip.mp4")
    assert store.files() == {}


@pytest.mark.parametrize("page", [b"<html>Sorry</html>", b'{"error": "gone"}', b"<?xml version='1.0'?><Error/>", b""])
def test_an_error_page_with_a_media_type_is_not_published(
    store: Any, transfer: Transfer, result_at: Any, serve: Callable[..., str], page: bytes
) -> None:
    with pytest.raises(ResultUnavailable, match="not media"):
        transfer(result_at(serve(page, "video/mp4")), f"{store.root}/clip.mp4")
    assert store.files() == {}


def test_a_server_that_stops_sending_is_given_up(
    sandbox: Any, file_store: Any, transfer: Transfer, result_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "STALL_SECONDS", 0.3)
    sandbox.fault(call="media", kind="cut_media", bytes=1_000_000, pause=30)
    sandbox.fault(call="media", kind="stall", seconds=30)
    transfer(result_at(f"{sandbox.url}/sample/large-2.mp4"), f"{file_store.root}/clip.mp4")
    assert len(file_store.files()["clip.mp4"]) == 2_000_000


def test_a_server_that_never_recovers_is_given_up_and_the_task_may_be_retried(
    sandbox: Any, store: Any, transfer: Transfer, result_at: Any
) -> None:
    sandbox.fault(call="media", kind="http_500", times=None)
    with pytest.raises(VendorUnavailable, match="cannot be fetched for now") as failure:
        transfer(result_at(f"{sandbox.url}/sample/clip.mp4"), f"{store.root}/clip.mp4")
    assert not isinstance(failure.value, AirflowFailException)
    assert store.files() == {}


def test_neither_log_nor_error_shows_a_signature(
    sandbox: Any, file_store: Any, transfer: Transfer, topview_result: dict[str, Any], everything_said: Any
) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    assert "X-Amz-Signature" in topview_result["media_url"]
    sandbox.fault(vendor="topview", call="media", kind="cut_media", bytes=20_000)
    sandbox.fault(vendor="topview", call="media", kind="expire_media", times=None)
    with pytest.raises(ResultUnavailable) as failure:
        transfer(topview_result, f"{file_store.root}/clip.mp4")
    assert "X-Amz-" not in f"{everything_said()}{failure.value}{failure.value.__cause__!r}"
