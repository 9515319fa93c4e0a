# SPDX-License-Identifier: Apache-2.0
"""Inputs of a batch that are checked before they are paid for: an item that fails the check fails alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import BatchFailed, InvalidRequest
from airflow_provider_videoai.jobs.media_limits import MediaLimits
from airflow_provider_videoai.operators.batch import VideoBatchOperator
from airflow_provider_videoai.vendors.aidge import VideoRemovalRequest
from tests.batches.published import lines
from tests.support.which_airflow import AirflowFailException

pytestmark = pytest.mark.usefixtures("prompt")
VIITOR = pytest.mark.parametrize("case", ["viitor"], indirect=True)


@VIITOR
def test_an_item_whose_input_does_not_open_fails_and_is_never_bought(
    case: Any, batch: Any, rows: Any, sandbox: Any, bought: Any, tmp_path: Path
) -> None:
    manifest = f"file://{tmp_path}/all.jsonl"
    gone = rows(case, ["gone"], url=f"{sandbox.url}/sample/nosuch.mp4?token=secret")
    task = batch(case, [*gone, *rows(case, 2)], check_inputs=True, manifest=manifest, tolerate=1)
    summary = task.run()
    assert (summary["succeeded"], summary["failed"], len(bought(case))) == (2, 1, 2)
    line = lines(manifest)["gone"]
    assert (line["state"], line["job_id"]) == ("failed", None)
    said = "url: it does not open: HTTP 404; nothing was sent"
    assert line["error"] == {"type": "InvalidRequest", "message": said, "code": None}


@VIITOR
def test_an_input_whose_server_is_away_fails_its_item_alone_and_is_retried(
    case: Any, batch: Any, rows: Any, serve: Any, bought: Any, tmp_path: Path
) -> None:
    manifest = f"file://{tmp_path}/all.jsonl"
    away = rows(case, ["away"], url=serve(status=503))
    task = batch(case, [*away, *rows(case, 2)], check_inputs=True, manifest=manifest)
    with pytest.raises(BatchFailed) as failed:
        task.run()
    assert not isinstance(failed.value, AirflowFailException)
    assert len(bought(case)) == 2
    error = lines(manifest)["away"]["error"]
    assert error["type"] == "VendorUnavailable"
    assert error["message"].startswith("url: it cannot be checked for now: HTTP 503")


@VIITOR
def test_inputs_are_not_tried_unless_the_user_wants_it_nor_again_by_who_finds_its_job(
    case: Any, batch: Any, rows: Any, serve: Any, bought: Any
) -> None:
    gone = rows(case, 1, url=serve(status=404))
    task = batch(case, gone)
    task.defer()
    checked = batch(case, gone, store=task.store, check_inputs=True)
    checked.defer()
    assert len(bought(case)) == 1


@pytest.mark.parametrize("case", ["aidge"], indirect=True)
def test_media_beyond_a_documented_limit_is_not_bought(
    case: Any, batch: Any, rows: Any, bought: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = MediaLimits(formats=("mp4",), max_bytes=10**9, max_duration_ms=1000, shorter_side=1080)
    monkeypatch.setitem(VideoRemovalRequest.media_limits, "video_url", short)
    with pytest.raises(BatchFailed, match=r"video_url: must not be longer than 1 s, and is 8\.0 s"):
        batch(case, rows(case, 2), check_media=True).run()
    assert bought(case) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"vendor": "topview", "operation": "video_avatar", "check_inputs": True}, "check_inputs: must be left out"),
        ({"vendor": "topview", "operation": "video_avatar", "input_conn_id": "x"}, "input_conn_id: must be left out"),
        ({"vendor": "viitor", "check_media": True}, "check_media: must be left out: no limits are documented"),
        ({"vendor": "viitor", "check_inputs": "perhaps"}, "check_inputs: must be True or False"),
    ],
)
def test_a_check_that_has_nothing_to_check_is_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        VideoBatchOperator(task_id="make", requests="/clips.jsonl", **arguments)
