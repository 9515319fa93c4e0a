# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_provider_videoai.plugin import subtitles
from airflow_provider_videoai.plugin.subtitles import MOST_BYTES, NoSubtitles, to_vtt
from tests.support.hanging import hanging_server

SRT = (
    "1\r\n00:00:00,000 --> 00:00:01,5\r\nHello <b>there</b>\r\n\r\n"
    "2\r\n00:00:02,000 --> 00:00:03,250\r\nTwo\r\nlines\r\n"
)


def fetch(url: str, *, allow_private: bool) -> str:
    return asyncio.run(subtitles.fetch(url, allow_private=allow_private))


def test_subrip_becomes_webvtt_without_markup() -> None:
    assert to_vtt("\ufeff" + SRT) == (
        "WEBVTT\n\n1\n00:00:00.000 --> 00:00:01.500\nHello there\n\n2\n00:00:02.000 --> 00:00:03.250\nTwo\nlines\n\n"
    )


def test_webvtt_stays_webvtt() -> None:
    assert to_vtt(to_vtt(SRT)) == to_vtt(SRT)


def test_a_time_without_hours_gets_them() -> None:
    assert "00:00:01.000 --> 00:00:02.000" in to_vtt("00:01.000 --> 00:02.000\nText\n")


def test_a_text_cannot_pose_as_markup_or_as_a_time() -> None:
    assert to_vtt("1\n00:00:01,0 --> 00:00:02,0\na < b --> c & d\n").endswith("\na &lt; b --&gt; c &amp; d\n\n")


@pytest.mark.parametrize("text", ["", "WEBVTT\n", "secret=1", '{"role": "admin"}', "<html></html>"])
def test_what_has_no_cue_is_no_subtitles(text: str) -> None:
    with pytest.raises(NoSubtitles):
        to_vtt(text)


@pytest.mark.parametrize("text", ["<a", "00:00:01,0 --> ", "\n", "<", "1"])
def test_the_work_grows_with_the_text_and_not_with_its_square(text: str) -> None:
    assert to_vtt(f"00:00:01,0 --> 00:00:02,0\nHello\n\n00:00:03,0 --> 00:00:04,0\n{text * (MOST_BYTES // len(text))}")


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
        fetch(serve(SRT.encode() * (MOST_BYTES // len(SRT) + 2)), allow_private=True)


def test_an_error_or_silence_is_told_without_the_address(serve: Any, free_port: int) -> None:
    for url in (serve(status=403), f"http://127.0.0.1:{free_port}/?sign=secret"):
        with pytest.raises(NoSubtitles) as told:
            fetch(url, allow_private=True)
        assert "secret" not in str(told.value)


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subtitles, "_TIMEOUT", 0.2)
    with hanging_server() as server, pytest.raises(NoSubtitles, match="in time"):
        fetch(f"{server.url}/a.srt", allow_private=True)


def test_the_network_of_whoever_runs_airflow_is_closed_to_a_vendors_address(serve: Any) -> None:
    with pytest.raises(NoSubtitles, match="cannot be fetched"):
        fetch(serve(SRT.encode()), allow_private=False)
