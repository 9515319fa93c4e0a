# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_provider_videoai.plugin import subtitles
from airflow_provider_videoai.plugin.subtitles import MAX_BYTES, NoSubtitles
from tests.support.hanging import hanging_server

SRT = (
    "1\r\n00:00:00,000 --> 00:00:01,5\r\nHello <b>there</b>\r\n\r\n"
    "2\r\n00:00:02,000 --> 00:00:03,250\r\nTwo\r\nlines\r\n"
)


def fetch(url: str, *, allow_private: bool) -> str:
    return asyncio.run(subtitles.fetch(url, allow_private=allow_private))


def test_subtitles_are_fetched(serve: Any) -> None:
    assert fetch(serve(SRT.encode()), allow_private=True).startswith("WEBVTT")


def test_another_servers_page_does_not_pass_for_subtitles(serve: Any) -> None:
    with pytest.raises(NoSubtitles, match="no cue"):
        fetch(serve(b'{"token": "secret"}'), allow_private=True)


def test_a_redirect_is_not_followed(serve: Any) -> None:
    target = serve(SRT.encode())
    with pytest.raises(NoSubtitles, match="cannot be fetched"):
        fetch(serve(location=target), allow_private=True)


def test_subtitles_without_end_are_given_up(serve: Any) -> None:
    with pytest.raises(NoSubtitles, match="too long"):
        fetch(serve(SRT.encode() * (MAX_BYTES // len(SRT) + 2)), allow_private=True)


def test_an_error_or_a_timeout_is_reported_without_the_url(serve: Any, free_port: int) -> None:
    for url in (serve(status=403), f"http://127.0.0.1:{free_port}/?sign=secret"):
        with pytest.raises(NoSubtitles) as raised:
            fetch(url, allow_private=True)
        assert "secret" not in str(raised.value)


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subtitles, "_TIMEOUT", 0.2)
    with hanging_server() as server, pytest.raises(NoSubtitles, match="in time"):
        fetch(f"{server.url}/a.srt", allow_private=True)


def test_the_network_of_whoever_runs_airflow_is_closed_to_a_vendors_address(serve: Any) -> None:
    with pytest.raises(NoSubtitles, match="cannot be fetched"):
        fetch(serve(SRT.encode()), allow_private=False)
