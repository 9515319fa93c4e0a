# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import time
from typing import Any

import httpx
import numpy as np
import pytest

BOX = {"timestamp": [0, 4], "box": [0.1, 0.8, 0.9, 0.93]}


def ended(answer: dict[str, Any]) -> bool:
    return (answer.get("data") or {}).get("taskStatus") in ("finished", "failed")


def result(aidge: Any, until: Any, **changes: Any) -> dict[str, Any]:
    task_id = aidge.new(**changes)
    found: dict[str, Any] = until(lambda: aidge.result(task_id), ended)
    return found


def test_captions_are_found_and_painted_out(aidge: Any, until: Any, probe: Any, clip: str) -> None:
    answer = result(aidge, until)
    assert (answer["success"], answer["resCode"], answer["data"]["taskStatus"]) == (True, 200, "finished")
    before, after = probe(clip), probe(answer["data"]["videoUrl"])
    assert (after.seconds, after.size, after.audio) == (8, (640, 360), "aac")
    old, new = before.frames()[60], after.frames()[60]
    assert old[288:336].max() > 220
    assert new[288:336].max() < 170
    assert np.abs(old[:230].astype(int) - new[:230].astype(int)).mean() < 1


def test_given_boxes_are_painted_in_their_time_only_and_sound_can_be_removed(
    aidge: Any, until: Any, probe: Any
) -> None:
    after = probe(result(aidge, until, inpaintingBoxes=[BOX], removeAudio=True)["data"]["videoUrl"])
    frames = after.frames()
    assert frames[50][288:336].max() < 170
    assert frames[150][288:336].max() > 220
    assert after.audio is None


@pytest.mark.parametrize("wrap", [json.dumps, dict])
def test_parameters_may_be_wrapped_as_a_string_or_an_object(aidge: Any, clip: str, wrap: Any) -> None:
    wrapped = wrap({"videoUrl": clip, "language": "zh", "colorBlocks": True})
    answer = aidge.http.post("/rest/ai/video/removal", params=aidge.query(), json={"paramJson": wrapped})
    assert answer.json()["data"]["result"]["taskId"]


def test_get_takes_parameters_from_the_query(aidge: Any, clip: str) -> None:
    query = aidge.query() | {"videoUrl": clip, "language": "en", "removeAudio": "true"}
    task_id = aidge.http.get("/rest/ai/video/removal", params=query).json()["data"]["result"]["taskId"]
    answer = aidge.http.get("/rest/ai/video/removal/result", params=aidge.query() | {"taskId": task_id}).json()
    assert answer["data"]["taskStatus"] in ("submitted", "running", "finished")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sign": None}, "MissingParameter"),
        ({"app_key": None}, "MissingParameter"),
        ({"timestamp": str(int(time.time() * 1000)), "sign": "0" * 64}, "IncompleteSignature"),
        ({"app_key": "other"}, "InvalidAppKey"),
        ({"partner_id": "other"}, "InvalidParameter"),
        ({"sign_ver": "v1"}, "InvalidParameter"),
        ({"sign_method": None}, "MissingParameter"),
        ({"timestamp": str(int(time.time() * 1000) - 7_300_000)}, "IllegalTimestamp"),
        ({"timestamp": str(int(time.time()))}, "IllegalTimestamp"),
    ],
)
def test_unsigned_call_is_refused_by_the_gateway(aidge: Any, sandbox: Any, changes: Any, code: str) -> None:
    answer = aidge.submit(query=aidge.query(**changes))
    assert (answer.status_code, answer.json()["type"], answer.json()["code"]) == (400, "ISV", code)
    assert sandbox.ledger()["charges"] == []


def test_lower_case_signature_is_refused(aidge: Any) -> None:
    query = aidge.query()
    assert aidge.submit(query=query | {"sign": query["sign"].lower()}).json()["code"] == "IncompleteSignature"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"videoUrl": None}, "MissingParameter"),
        ({"language": None}, "MissingParameter"),
        ({"videoUrl": "clip.mp4"}, "InvalidParameter"),
        ({"language": "fr"}, "InvalidParameter"),
        ({"artificialTextOnly": "true"}, "InvalidParameter"),
        ({"removeAudio": 1}, "InvalidParameter"),
        ({"colorBlocks": "no"}, "InvalidParameter"),
        ({"inpaintingBoxes": {}}, "InvalidParameter"),
        ({"inpaintingBoxes": [{"box": [0, 0, 1, 1]}]}, "InvalidParameter"),
        ({"inpaintingBoxes": [{"timestamp": [0], "box": [0, 0, 1, 1]}]}, "InvalidParameter"),
        ({"inpaintingBoxes": [{"timestamp": [2, 1], "box": [0, 0, 1, 1]}]}, "InvalidParameter"),
        ({"inpaintingBoxes": [{"timestamp": [0, 1], "box": [0, 0, 640, 360]}]}, "InvalidParameter"),
        ({"inpaintingBoxes": [{"timestamp": [0, 1], "box": [0.5, 0, 0.5, 1]}]}, "InvalidParameter"),
        ({"misspelt": 1}, "InvalidParameter"),
        ({"paramJson": "{}"}, "InvalidParameter"),
    ],
)
def test_wrong_parameters_are_refused_and_charge_nothing(aidge: Any, sandbox: Any, changes: Any, code: str) -> None:
    answer = aidge.submit(**changes)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert sandbox.ledger("aidge")["totals"]["aidge"] == {
        "submissions": 1,
        "charges": 0,
        "polls": 0,
        "lookups": 0,
        "refused": 1,
        "over_recommended_rate": 0,
    }


@pytest.mark.parametrize(
    ("name", "video", "code"),
    [
        ("long.mp4", {"width": 64, "height": 64, "frames": 365, "rate": 1}, 700),
        ("notes.txt", {"width": 64, "height": 64, "frames": 5}, 702),
        ("wide.mp4", {"width": 2560, "height": 1440, "frames": 1}, 703),
        ("square.mp4", {"width": 1200, "height": 1200, "frames": 1}, 703),
    ],
)
def test_input_beyond_the_limits_fails_with_its_code(
    aidge: Any, until: Any, storage: Any, make_video: Any, name: str, video: Any, code: int
) -> None:
    storage.files[f"/{name}"] = make_video(**video)
    answer = result(aidge, until, videoUrl=f"{storage.url}/{name}")
    assert (answer["success"], answer["resCode"], answer["data"]["taskStatus"]) == (False, code, "failed")


def test_portrait_full_hd_is_within_the_limits(aidge: Any, until: Any, storage: Any, make_video: Any) -> None:
    storage.files["/tall.mp4"] = make_video(1080, 1920, 2)
    assert result(aidge, until, videoUrl=f"{storage.url}/tall.mp4")["data"]["taskStatus"] == "finished"


def test_input_that_is_too_large_fails_with_701(aidge: Any, until: Any, storage: Any) -> None:
    storage.files["/big.mp4"] = bytes(200 * 1024 * 1024 + 1)
    assert result(aidge, until, videoUrl=f"{storage.url}/big.mp4")["resCode"] == 701


def test_bytes_that_are_no_video_fail_with_702(aidge: Any, until: Any, storage: Any) -> None:
    storage.files["/fake.mp4"] = b"this is no video" * 100
    assert result(aidge, until, videoUrl=f"{storage.url}/fake.mp4")["resCode"] == 702


def test_webm_becomes_mp4(aidge: Any, until: Any, storage: Any, make_video: Any, probe: Any) -> None:
    storage.files["/in.webm"] = make_video(320, 240, 10, container="webm")
    answer = result(aidge, until, videoUrl=f"{storage.url}/in.webm")
    assert "mp4" in probe(answer["data"]["videoUrl"]).container


def test_audio_that_mp4_cannot_hold_is_encoded_anew(
    aidge: Any, until: Any, storage: Any, make_video: Any, probe: Any
) -> None:
    storage.files["/in.mov"] = make_video(320, 240, 25, container="mov", audio="pcm_s16le")
    answer = result(aidge, until, videoUrl=f"{storage.url}/in.mov")
    found = probe(answer["data"]["videoUrl"])
    assert (found.audio, found.sample_rate) == ("aac", 16000)
    assert abs(found.sound()[:, 4000:12000]).min() > 0.1


def test_input_that_cannot_be_fetched_fails_with_801(aidge: Any, until: Any) -> None:
    assert result(aidge, until, videoUrl="http://127.0.0.1:9/x.mp4")["resCode"] == 801


def test_trial_call_is_accepted_and_not_charged(aidge: Any, sandbox: Any) -> None:
    aidge.submit(headers={"x-iop-trial": "true"})
    ledger = sandbox.ledger()
    assert (ledger["submissions"][0]["outcome"], ledger["submissions"][0]["charged"]) == ("accepted", False)
    assert ledger["charges"] == []
    assert aidge.submit(headers={"x-iop-trial": "yes"}).json()["code"] == "InvalidParameter"


def test_states_are_submitted_running_finished(aidge: Any, sandbox: Any, until: Any) -> None:
    sandbox.clock(queue_seconds=100, run_seconds=100)
    task_id = aidge.new()
    seen = []
    for advance in (0, 150, 100):
        sandbox.clock(advance=advance)
        seen.append(aidge.result(task_id)["data"]["taskStatus"])
    until(lambda: aidge.result(task_id), ended)
    assert seen in (["submitted", "running", "running"], ["submitted", "running", "finished"])


def test_bare_shape_has_no_state(aidge: Any, sandbox: Any, until: Any) -> None:
    sandbox.shapes(aidge="bare")
    task_id = aidge.new()
    pending = aidge.result(task_id)
    assert pending["data"] == {"videoUrl": None}
    answer = until(lambda: aidge.result(task_id), lambda a: a["data"]["videoUrl"])
    assert set(answer["data"]) == {"videoUrl"}
    assert httpx.get(answer["data"]["videoUrl"], trust_env=False).headers["content-type"] == "video/mp4"


def test_pascal_case_shape(aidge: Any, sandbox: Any, until: Any) -> None:
    sandbox.shapes(aidge="TaskStatus")
    task_id = aidge.submit().json()["Data"]["TaskId"]
    answer = until(lambda: aidge.result(task_id), lambda a: a["Data"]["TaskStatus"] == "finished")
    assert answer["Success"] is True
    assert answer["Data"]["VideoUrl"].endswith(".mp4")


def test_unknown_task_is_refused(aidge: Any) -> None:
    answer = aidge.result("no-such-task")
    assert (answer["success"], answer["resCode"], answer["data"]) == (False, 404, None)
