# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

X1, Y1, X2, Y2 = 60, 288, 580, 336
OTHER_USER = {"X_User_Id": "200002"}


def finished(answer: dict[str, Any]) -> bool:
    return bool(answer["data"]) and all(row["targetVideoUrl"] for row in answer["data"])


def done(viitor: Any, until: Any, **changes: Any) -> dict[str, Any]:
    task_id = viitor.new(**changes)
    row: dict[str, Any] = until(lambda: viitor.status(task_id), finished)["data"][0]
    return row


@pytest.mark.parametrize("roi", ["fullEraseROI", "textDetectROI"])
def test_text_is_painted_out_and_all_else_stays(viitor: Any, until: Any, probe: Any, clip: str, roi: str) -> None:
    region = [X1, Y1, X2, Y2] if roi == "fullEraseROI" else [0, 240, 640, 360]
    row = done(viitor, until, **({"fullEraseROI": []} | {roi: [region]}))
    before, after = probe(clip), probe(row["targetVideoUrl"])
    assert (after.seconds, after.size, after.frame_rate) == (before.seconds, before.size, before.frame_rate)
    old, new = before.frames(), after.frames()
    assert len(old) == len(new) == 200
    for number in (10, 100, 190):
        difference = np.abs(old[number].astype(int) - new[number].astype(int))
        assert (difference[Y1:Y2, X1:X2] > 80).sum() > 500, "captions are still there"
        assert new[number][Y1:Y2, X1:X2].max() < 170, "something white is left"
        difference[Y1 - 16 : Y2 + 16, X1 - 16 : X2 + 16] = 0
        assert difference.mean() < 1
        assert np.quantile(difference, 0.999) < 10


def test_sound_is_carried_over_bit_for_bit(viitor: Any, until: Any, probe: Any, clip: str) -> None:
    row = done(viitor, until)
    assert np.array_equal(probe(clip).sound(), probe(row["targetVideoUrl"]).sound())


def test_text_detection_leaves_a_region_without_text_alone(viitor: Any, until: Any, probe: Any, clip: str) -> None:
    row = done(viitor, until, fullEraseROI=[], textDetectROI=[[0, 0, 640, 100]])
    old, new = probe(clip).frames()[50].astype(int), probe(row["targetVideoUrl"]).frames()[50].astype(int)
    assert np.abs(old - new).mean() < 1


def test_status_turns_finished_one_poll_before_the_url_appears(viitor: Any, until: Any) -> None:
    task_id = viitor.new()
    row = until(lambda: viitor.status(task_id)["data"][0], lambda row: row["taskStatus"] == 4)
    assert (row["targetVideoUrl"], row["taskProgress"], row["errorCode"]) == (None, 100, 0)
    row = viitor.status(task_id)["data"][0]
    assert row["targetVideoUrl"].startswith("http://127.0.0.1")


def test_task_goes_from_created_over_queued_to_running_with_growing_progress(viitor: Any, sandbox: Any) -> None:
    sandbox.clock(queue_seconds=1000, run_seconds=1000)
    task_id = viitor.new()
    seen = []
    for advance in (0, 500, 600, 400):
        sandbox.clock(vendor="viitor", advance=advance)
        row = viitor.status(task_id)["data"][0]
        seen.append((row["taskStatus"], row["taskProgress"]))
    assert seen == [(1, 0), (2, 0), (3, 10), (3, 50)]


def test_one_request_answers_for_many_tasks_without_duplicates_in_any_order(viitor: Any, sandbox: Any) -> None:
    sandbox.clock(queue_seconds=1000)
    ids = [viitor.new() for _ in range(5)]
    orders = set()
    for _ in range(20):
        answer = viitor.status(taskId=ids[0], taskIds=[*ids, *ids])
        found = [row["taskId"] for row in answer["data"]]
        assert sorted(found) == sorted(ids)
        orders.add(tuple(found))
    assert len(orders) > 1


def test_another_users_and_unknown_tasks_have_no_row(viitor: Any) -> None:
    task_id = viitor.new()
    assert viitor.status(task_id, headers=viitor.headers(**OTHER_USER)) == {"code": 0, "message": "OK", "data": []}
    assert viitor.status("ViiTor_AI_unknown")["data"] == []


def test_task_name_is_cut_to_fifty_characters(viitor: Any, sandbox: Any) -> None:
    viitor.new(taskName="x" * 80)
    assert sandbox.ledger()["submissions"][0]["request"]["taskName"] == "x" * 50


def test_many_equal_tasks_are_rendered_once_and_each_has_its_own_url(viitor: Any, until: Any) -> None:
    ids = [viitor.new() for _ in range(40)]
    urls = {row["targetVideoUrl"] for row in until(lambda: viitor.status(*ids), finished, seconds=60)["data"]}
    # An ETag has the time at which its file was written.
    etags = {viitor.http.head(url).headers["etag"] for url in urls}
    assert (len(urls), len(etags)) == (40, 1)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"url": None}, 2000),
        ({"url": 5}, 2001),
        ({"url": "ftp://x/y.mp4"}, 2001),
        ({"taskName": ""}, 2000),
        ({"taskName": None}, 2000),
        ({"fullEraseROI": []}, 2001),
        ({"fullEraseROI": None}, 2001),
        ({"fullEraseROI": [[0, 0, 10, 10]] * 6}, 2001),
        ({"textDetectROI": [[0, 0, 10, 10]] * 6}, 2001),
        ({"fullEraseROI": [[0, 0, 10]]}, 2001),
        ({"fullEraseROI": [["0", 0, 10, 10]]}, 2001),
        ({"fullEraseROI": [[10, 0, 5, 10]]}, 2001),
        ({"fullEraseROI": [[-1, 0, 5, 10]]}, 2001),
        ({"fullEraseROI": [[0.1, 0.1, 0.9, 0.9]]}, 2001),
        ({"fullEraseROI": "0,0,10,10"}, 2001),
        ({"misspelt": 1}, 2001),
    ],
)
def test_wrong_task_is_refused_and_charges_nothing(viitor: Any, sandbox: Any, changes: Any, code: int) -> None:
    answer = viitor.add(**changes)
    assert (answer.status_code, answer.json()["code"], answer.json()["data"]) == (200, code, None)
    ledger = sandbox.ledger("viitor")
    assert (ledger["submissions"][0]["outcome"], ledger["submissions"][0]["charged"]) == ("refused", False)
    assert ledger["charges"] == []
    assert ledger["refused"][0]["code"] == code


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"X_User_Id": None}, 200, 2000),
        ({"X_User_Id": "12a"}, 200, 2001),
        ({"X_Channel": None}, 200, 2000),
        ({"X_Channel": "150"}, 200, 2001),
        ({"X_App_Source": "x" * 21}, 200, 2001),
        ({"Authorization": None}, 401, 401),
        ({"Authorization": "Bearer wrong"}, 401, 401),
        ({"Content_Type": "text/plain"}, 200, 2001),
        ({"Accept": "text/html"}, 200, 2001),
    ],
)
def test_wrong_header_is_refused(viitor: Any, changes: Any, status: int, code: int) -> None:
    answer = viitor.add(headers=viitor.headers(**changes))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    "body",
    [
        {"other": 1},
        {"taskId": ""},
        {"taskIds": []},
        {"taskId": 5},
        {"taskIds": "ViiTor_AI_1"},
        {"taskIds": [5]},
        {"taskId": "other_1"},
        {"taskIds": ["ViiTor_AI_1", "other_1"]},
        {"taskIds": [f"ViiTor_AI_{n}" for n in range(101)]},
    ],
)
def test_wrong_status_question_is_refused(viitor: Any, body: Any) -> None:
    answer = viitor.status(**body)
    assert (answer["code"], answer["data"]) == (2001, None)


def test_a_hundred_ids_after_deduplication_are_allowed(viitor: Any) -> None:
    ids = [f"ViiTor_AI_{n}" for n in range(100)]
    assert viitor.status(taskId=ids[0], taskIds=[*ids, *ids])["code"] == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"url": "http://127.0.0.1:9/none.mp4"}, 5001), ({"fullEraseROI": [[1000, 0, 1200, 50]]}, 5002)],
)
def test_input_that_cannot_be_used_fails_the_task(viitor: Any, until: Any, changes: Any, code: int) -> None:
    task_id = viitor.new(**changes)
    row = until(lambda: viitor.status(task_id)["data"][0], lambda row: row["taskStatus"] == 5)
    assert (row["errorCode"], row["targetVideoUrl"]) == (code, None)
