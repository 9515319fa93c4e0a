# SPDX-License-Identifier: Apache-2.0
"""A video beyond the vendor's limits is found before it is paid for, and without being fetched."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from airflow_provider_videoai.airflow_compat import AirflowFailException
from airflow_provider_videoai.jobs.errors import InvalidRequest, VendorUnavailable
from airflow_provider_videoai.jobs.media_limits import MediaLimits
from airflow_provider_videoai.media import remote
from airflow_provider_videoai.vendors.aidge import VideoRemovalRequest

pytestmark = pytest.mark.usefixtures("prompt")
AIDGE = VideoRemovalRequest.media_limits["video_url"]
FINE: dict[str, Any] = {
    "container": "mov,mp4,m4a,3gp,3g2,mj2",
    "size": 200 * 1024**2,
    "duration_ms": 360_000,
    "shorter_side": 1080,
}


@pytest.fixture
def aidge(cases: Any) -> Any:
    return cases["aidge"]


@pytest.mark.parametrize("container", ["mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi"])
def test_the_documented_limits_are_within_bounds(container: str) -> None:
    assert list(AIDGE.broken(**{**FINE, "container": container})) == []
    assert list(AIDGE.broken(container=container, size=None, duration_ms=None, shorter_side=None)) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"container": "flv"}, "must be mp4, mov, webm, avi, mkv, not flv"),
        ({"size": 200 * 1024**2 + 2**18}, "must not be larger than 200 MB, and is 200.2 MB"),
        ({"duration_ms": 360_100}, "must not be longer than 360 s, and is 360.1 s"),
        ({"shorter_side": 1440}, "must not be larger than 1080p, and is 1440p"),
    ],
)
def test_each_limit_is_reported_by_itself(change: dict[str, Any], message: str) -> None:
    assert list(AIDGE.broken(**{**FINE, **change})) == [message]


def test_a_video_within_the_limits_is_submitted(aidge: Any, task: Any, bought: Any) -> None:
    assert [task(aidge, check_media=True).run()["job_id"]] == bought(aidge)


def test_a_video_beyond_a_limit_is_not(aidge: Any, task: Any, bought: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    short = MediaLimits(formats=("mp4",), max_bytes=10**9, max_duration_ms=1000, shorter_side=1080)
    monkeypatch.setitem(VideoRemovalRequest.media_limits, "video_url", short)
    refused = task(aidge, check_media=True)
    with pytest.raises(InvalidRequest, match=r"video_url: must not be longer than 1 s, and is 8\.0 s") as failure:
        refused.run()
    assert isinstance(failure.value, AirflowFailException)
    assert refused.store.get("videoai_submission") is None
    assert task(aidge).run()["job_id"]
    assert len(bought(aidge)) == 1


def test_a_retry_that_finds_its_job_looks_at_nothing(
    aidge: Any, task: Any, bought: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashed = task(aidge, check_media=True)
    crashed.defer()
    monkeypatch.setattr(remote, "MAX_BYTES", 0)
    assert [task(aidge, store=crashed.store, check_media=True).run()["job_id"]] == bought(aidge)


def test_only_a_files_header_is_fetched(
    aidge: Any, task: Any, bought: Any, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "MAX_BYTES", 2 * 1024**2)
    task(aidge, check_media=True, video_url=f"{sandbox.url}/sample/large-50.mp4").defer()
    assert len(bought(aidge)) == 1


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/sample/nosuch.mp4?token=secret", r"video_url: it does not open: HTTP 404"),
        ("/sandbox/ledger", "video_url: its server does not support range requests"),
    ],
)
def test_a_url_that_cannot_be_read_is_reported(
    aidge: Any, task: Any, sandbox: Any, bought: Any, path: str, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        task(aidge, check_media=True, video_url=f"{sandbox.url}{path}").run()
    assert bought(aidge) == []


def test_an_address_that_no_setting_allows_comes_without_advice(aidge: Any, task: Any, serve: Any, bought: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"video_url: the URL at 'a' contains a login; nothing was sent"):
        task(aidge, check_media=True, video_url=serve(location="http://who:secret@a/clip.mp4")).run()
    assert bought(aidge) == []


def test_a_redirect_is_followed_and_a_circle_is_left(
    aidge: Any, task: Any, sandbox: Any, serve: Any, bought: Any
) -> None:
    task(aidge, check_media=True, video_url=serve(location=f"{sandbox.url}/sample/clip.mp4")).defer()
    with pytest.raises(InvalidRequest, match="video_url: it was redirected more than 5 times"):
        task(aidge, check_media=True, video_url=serve(location="/1")).start()
    assert len(bought(aidge)) == 1


def test_a_server_that_fails_is_worth_a_retry(aidge: Any, task: Any, free_port: int) -> None:
    with pytest.raises(VendorUnavailable, match="video_url: it cannot be checked for now") as failure:
        task(aidge, check_media=True, video_url=f"http://127.0.0.1:{free_port}/a.mp4?token=secret").run()
    assert not isinstance(failure.value, AirflowFailException)
    assert "secret" not in str(failure.value)


def test_without_the_library_no_retry_is_tried(
    aidge: Any, task: Any, bought: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InvalidRequest, match=r"pip install 'airflow-provider-videoai\[media\]'; nothing") as failure:
        task(aidge, check_media=True).run()
    assert isinstance(failure.value, AirflowFailException)
    assert bought(aidge) == []


def test_a_private_address_is_refused_unless_the_connection_allows_it(
    aidge: Any, task: Any, connect: Any, bought: Any
) -> None:
    with pytest.raises(InvalidRequest, match=r"video_url: .*allow_private_addresses in the extra"):
        task(aidge, check_media=True, aidge_conn_id=connect("aidge", extra={})).run()
    assert bought(aidge) == []
