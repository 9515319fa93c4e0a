# SPDX-License-Identifier: Apache-2.0
"""Processes that sign for one CDNetworks account at once: neither takes the other's signatures for good."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import AuthenticationFailed, SubmitUncertain
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.sandbox import running_sandbox
from airflow_provider_videoai.vendors.cdnetworks import CDNetworks, RecentSignatures
from tests.support.cdnetworks_words import TRANS_NO, error, ok, task, trim

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_700_000_000
DONE = JobStatus(job_id=TRANS_NO, state=JobState.SUCCEEDED, media_id="DC54")
UPLOAD = ok({"uploadUrl": "https://a/b", "uploadToken": "t", "videoId": "v"})
PUBLISHED = ok({"videoUrl": [{"originUrl": "https://a/v.mp4"}]})

# -- the seconds of a process --------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", range(60))
def test_first_timestamp_is_the_process_own_second_of_the_last_minute(offset: int) -> None:
    for second in range(60):
        timestamp, _ = RecentSignatures(offset).fresh(NOW + second + 0.9, str)
        assert timestamp % 60 == offset
        assert 0 <= NOW + second - timestamp <= 59


@pytest.mark.parametrize("offset", [0, 7, 20, 59])
def test_equal_requests_at_the_advised_interval_never_leave_the_seconds_of_their_process(offset: int) -> None:
    recent = RecentSignatures(offset)
    for number in range(120):
        now = NOW + number * 10
        timestamp, _ = recent.fresh(now, str)
        assert timestamp % 10 == offset % 10
        assert 0 <= now - timestamp <= 59


@pytest.mark.parametrize("offset", [0, 33, 59])
def test_every_timestamp_is_at_most_four_minutes_off(offset: int) -> None:
    recent = RecentSignatures(offset)
    assert sorted(recent.fresh(NOW, str)[0] - NOW for _ in range(481)) == list(range(-240, 241))


def test_process_that_was_refused_goes_on_at_seconds_of_another_offset() -> None:
    for offset in range(60):
        recent = RecentSignatures(offset)
        recent.move()
        assert (recent.fresh(NOW, str)[0] - offset) % 10 != 0


def test_offsets_are_random_and_a_seeded_random_module_does_not_make_them_equal() -> None:
    def drawn() -> int:
        random.seed(0)
        return RecentSignatures().fresh(NOW, str)[0]

    assert len({drawn() for _ in range(100)}) > 10


# -- a refused poll ------------------------------------------------------------------------------------------

POLLS: dict[str, tuple[Any, Any]] = {
    "status": (lambda vod: vod.statuses("trim", [TRANS_NO]), task(1)),
    "result": (lambda vod: vod.result("trim", DONE), PUBLISHED),
    "upload": (lambda vod: vod.announce("clip.mp4"), UPLOAD),
    "probe": (lambda vod: vod.probe(), error(1603)),
}
REFUSED: list[Any] = [(401, error(1301, "signature used before")), error(1301), (401, b""), (403, {"code": 9})]


@pytest.mark.parametrize("poll", POLLS)
@pytest.mark.parametrize("refused", REFUSED)
def test_poll_that_may_have_been_refused_as_repeated_is_sent_once_more(
    vod: CDNetworks, play: Any, poll: str, refused: Any
) -> None:
    flow, good = POLLS[poll]
    exchange = play(refused, good)
    exchange.run(flow(vod))
    first, again = exchange.calls
    assert first == again
    assert not first.buys


@pytest.mark.parametrize("poll", POLLS)
@pytest.mark.parametrize("refused", REFUSED)
def test_poll_that_is_refused_twice_fails_for_good(vod: CDNetworks, play: Any, poll: str, refused: Any) -> None:
    exchange = play(refused, refused)
    with pytest.raises(AuthenticationFailed, match="Check login"):
        exchange.run(POLLS[poll][0](vod))
    assert len(exchange.calls) == 2


def test_poll_that_is_sent_once_more_is_signed_at_another_second(vod: CDNetworks, play: Any, sign: Any) -> None:
    flow = vod.statuses("trim", [TRANS_NO])
    call = next(flow)
    before = int(sign(vod, call).headers["x-cnc-timestamp"])
    exchange = play(task(1))
    exchange.answers.insert(0, AuthenticationFailed("refused", code="401"))
    exchange.run(vod.statuses("trim", [TRANS_NO]))
    after = int(sign(vod, exchange.calls[1]).headers["x-cnc-timestamp"])
    assert (after - before) % 10 != 0


def test_refusal_that_is_not_about_the_signature_is_not_repeated(vod: CDNetworks, play: Any) -> None:
    exchange = play(error(1535))
    with pytest.raises(AuthenticationFailed, match="1535"):
        exchange.run(vod.result("trim", DONE))
    assert len(exchange.calls) == 1


def test_missing_credentials_are_not_tried_twice(vod: CDNetworks, play: Any) -> None:
    exchange = play(AuthenticationFailed("no login: nothing was sent"))
    with pytest.raises(AuthenticationFailed, match="nothing was sent"):
        exchange.run(vod.statuses("trim", [TRANS_NO]))
    assert len(exchange.calls) == 1


@pytest.mark.parametrize("refused", REFUSED)
def test_refused_submit_is_never_sent_twice(vod: CDNetworks, play: Any, refused: Any) -> None:
    exchange = play(refused)
    with pytest.raises(AuthenticationFailed):
        exchange.run(vod.submit(trim(), TRANS_NO))
    assert [call.name for call in exchange.calls] == ["videoClip"]


def test_lost_submit_stays_uncertain_if_its_status_request_is_refused_twice(vod: CDNetworks, play: Any) -> None:
    exchange = play(SubmitUncertain("the answer was lost"), (401, b""), (401, b""))
    with pytest.raises(SubmitUncertain, match=r"settled nothing.*A retry"):
        exchange.run(vod.submit(trim(), TRANS_NO))


# -- real processes ------------------------------------------------------------------------------------------


def test_a_hundred_pairs_of_processes_poll_one_job_in_one_second_and_none_fails() -> None:
    with running_sandbox() as sandbox:
        connection = sandbox.connections()["AIRFLOW_CONN_CDNETWORKS_DEFAULT"]
        program = [sys.executable, "-m", "tests.support.paired_polls", connection, "100"]
        ended = subprocess.run(program, cwd=ROOT, check=True, capture_output=True, text=True, timeout=110).stdout
        refused = [each["code"] for each in sandbox.ledger("cdnetworks")["refused"]]
    assert json.loads(ended) == ["0 known"] * 200
    assert refused.count(1301) < 20, "each process draws its own offset, out of sixty"
