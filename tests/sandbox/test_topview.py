# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from airflow_provider_videoai.sandbox import CREDENTIALS

PAUSE = '<break time="2.0s"/>'


def done(topview: Any, until: Any, task_id: str, **query: str) -> dict[str, Any]:
    answer = until(lambda: topview.query(task_id, **query), lambda a: a["result"]["status"] in ("success", "fail"))
    found: dict[str, Any] = answer["result"]
    return found


def speech(http: Any) -> bytes:
    content: bytes = http.get("/sample/speech.mp3").content
    return content


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (301, 201), (200, 40, 40)).save(buffer, "PNG")
    return buffer.getvalue()


def test_text_becomes_a_talking_video(topview: Any, until: Any, probe: Any) -> None:
    submitted = topview.submit().json()
    accepted = submitted["code"], submitted["result"]["status"], submitted["result"]["errorMsg"]
    assert accepted == ("200", "success", None)
    found = done(topview, until, submitted["result"]["taskId"])
    page = {"taskId", "status", "errorMsg", "inputVideoFileId", "inputAudioFileId", "outputVideoUrl"}
    assert set(found) == page | {"costCredit"}
    video = probe(found["outputVideoUrl"])
    assert (video.video, video.audio, video.size) == ("h264", "aac", (360, 480))
    frames = video.frames()
    assert any((frames[0] != frame).any() for frame in frames), "the mouth never moves"
    assert abs(video.sound()).max() > 0.05


def test_length_follows_text_speed_and_pauses(topview: Any, until: Any, probe: Any) -> None:
    def seconds(**changes: Any) -> float:
        found = done(topview, until, topview.new(**changes))
        return float(probe(found["outputVideoUrl"]).seconds)

    text = "This sentence has a few more words than none."
    plain = seconds(ttsText=text)
    assert seconds(ttsText=text, voiceSpeed=1.2) < plain < seconds(ttsText=text, voiceSpeed=0.8)
    assert seconds(ttsText=f"{text} {PAUSE}") == pytest.approx(plain + 2, abs=0.05)
    assert seconds(ttsText=f"{text} {text}") > 1.7 * plain


def test_uploaded_sound_drives_an_uploaded_video(
    topview: Any, http: Any, sandbox: Any, until: Any, probe: Any, make_video: Any
) -> None:
    video, audio = topview.upload("mp4", make_video(160, 90, 20)), topview.upload("mp3", speech(http))
    found = done(
        topview,
        until,
        topview.new(
            avatarSourceFrom=0, aiAvatarId=None, videoFileId=video, audioSourceFrom=0, audioFileId=audio, ttsText=None
        ),
    )
    assert (found["inputVideoFileId"], found["inputAudioFileId"]) == (video, audio)
    result, sound = probe(found["outputVideoUrl"]), probe(f"{sandbox.url}/sample/speech.mp3")
    assert result.size == (160, 90)
    assert result.seconds == pytest.approx(sound.seconds, abs=0.15)


def test_photo_speaks(topview: Any, until: Any, probe: Any) -> None:
    photo = topview.upload("png", picture())
    task_id = topview.new(
        avatarSourceFrom="3", aiAvatarId=None, imageFileId=photo, voiceoverId="sandbox-voice-en", modeType="2"
    )
    assert probe(done(topview, until, task_id)["outputVideoUrl"]).size == (300, 200)


def test_broken_upload_fails_the_task(topview: Any, until: Any) -> None:
    photo = topview.upload("png", b"no picture")
    task_id = topview.new(avatarSourceFrom="3", imageFileId=photo, voiceoverId="sandbox-voice-en")
    found = done(topview, until, task_id)
    assert (found["status"], found["outputVideoUrl"]) == ("fail", None)
    assert "picture" in found["errorMsg"]


def test_caption_is_drawn(topview: Any, until: Any, probe: Any) -> None:
    plain = probe(done(topview, until, topview.new())["outputVideoUrl"]).frames()[10]
    task_id = topview.new(captionId="sandbox-caption-plain")
    captioned = probe(done(topview, until, task_id)["outputVideoUrl"]).frames()[10]
    changed = abs(plain.astype(int) - captioned) > 60
    assert changed[430:].sum() > 100 > changed[:400].sum()


def test_saved_avatar_can_be_used_afterwards(topview: Any, until: Any) -> None:
    assert len(topview.get("/v1/aiavatar/query", isCustom="true")["result"]["data"]) == 1
    done(topview, until, topview.new(isSave2CustomAiAvatar=True))
    saved = topview.get("/v1/aiavatar/query", isCustom="true")["result"]["data"][-1]["aiavatarId"]
    task_id = topview.new(avatarSourceFrom=2, aiAvatarId=saved, voiceoverId="sandbox-voice-zh")
    assert done(topview, until, task_id)["status"] == "success"


def test_signed_and_cloudfront_urls_serve_the_same_bytes(topview: Any, until: Any) -> None:
    task_id = topview.new()
    signed = done(topview, until, task_id)["outputVideoUrl"]
    plain = done(topview, until, task_id, needCloudFrontUrl="true")["outputVideoUrl"]
    assert "X-Amz-Signature=" in signed
    assert urlsplit(plain).query == ""
    assert urlsplit(plain).path.split("/")[1] != urlsplit(signed).path.split("/")[1]
    contents = [httpx.get(url, trust_env=False) for url in (signed, plain)]
    assert contents[0].content == contents[1].content != b""
    assert contents[0].headers["content-type"] == "video/mp4"
    assert signed != done(topview, until, task_id)["outputVideoUrl"], "every query signs a new URL"


def test_signed_url_is_refused_when_changed_or_sent_with_another_authorisation(topview: Any, until: Any) -> None:
    signed = done(topview, until, topview.new())["outputVideoUrl"]
    assert httpx.get(signed.replace("Expires=3600", "Expires=9999"), trust_env=False).status_code == 403
    assert httpx.get(signed.partition("?")[0], trust_env=False).status_code == 403
    assert httpx.get(signed, headers=topview.headers(), trust_env=False).status_code == 400
    assert httpx.put(signed, content=b"x", trust_env=False).status_code == 403


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"avatarSourceFrom": None}, "4003"),
        ({"avatarSourceFrom": "9"}, "4000"),
        ({"avatarSourceFrom": True}, "4000"),
        ({"audioSourceFrom": None}, "4003"),
        ({"audioSourceFrom": 2}, "4000"),
        ({"aiAvatarId": None}, "4003"),
        ({"aiAvatarId": "nobody"}, "4004"),
        ({"aiAvatarId": "sandbox-avatar-own"}, "4004"),
        ({"avatarSourceFrom": "2", "aiAvatarId": "sandbox-avatar-anna"}, "4004"),
        ({"avatarSourceFrom": "0"}, "4003"),
        ({"avatarSourceFrom": "0", "videoFileId": "nofile"}, "4004"),
        ({"avatarSourceFrom": "3"}, "4003"),
        ({"audioSourceFrom": "0"}, "4003"),
        ({"audioSourceFrom": "0", "audioFileId": "nofile"}, "4004"),
        ({"ttsText": None}, "4003"),
        ({"ttsText": "  "}, "4003"),
        ({"ttsText": 5}, "4000"),
        ({"voiceoverId": "nobody"}, "4004"),
        ({"avatarSourceFrom": "2", "aiAvatarId": "sandbox-avatar-own"}, "4003"),
        ({"voiceSpeed": 0.7}, "4000"),
        ({"voiceSpeed": 1.3}, "4000"),
        ({"voiceSpeed": "1"}, "4000"),
        ({"modeType": "3"}, "4000"),
        ({"captionId": "nosuch"}, "4004"),
        (
            {
                "avatarSourceFrom": "2",
                "aiAvatarId": "sandbox-avatar-own",
                "voiceoverId": "sandbox-voice-en",
                "captionId": "sandbox-caption-plain",
            },
            "4000",
        ),
        ({"isSave2CustomAiAvatar": "true"}, "4000"),
        ({"noticeUrl": "nowhere"}, "4000"),
        ({"voiceId": "sandbox-voice-en"}, "4000"),
    ],
)
def test_wrong_request_is_refused_and_charges_nothing(topview: Any, sandbox: Any, changes: Any, code: str) -> None:
    answer = topview.submit(**changes)
    assert (answer.status_code, answer.json()["code"], answer.json()["result"]) == (200, code, None)
    assert sandbox.ledger("topview")["charges"] == []
    assert topview.get("/user/credit/detail")["result"] == {"credit": 1000}


def test_file_of_the_wrong_kind_is_a_format_mismatch(topview: Any) -> None:
    photo = topview.upload("png", picture())
    assert topview.submit(avatarSourceFrom="0", videoFileId=photo, voiceoverId="x").json()["code"] == "4001"


def test_file_is_not_there_before_it_was_put(topview: Any) -> None:
    announced = topview.get("/v1/upload/credential", format="mp4", needAccelerateUrl="true")["result"]
    assert topview.get("/v1/upload/check", fileId=announced["fileId"])["result"] is False
    answer = topview.submit(avatarSourceFrom="0", videoFileId=announced["fileId"], voiceoverId="sandbox-voice-en")
    assert answer.json()["code"] == "4004"
    httpx.put(announced["uploadUrl"], content=b"x", trust_env=False)
    assert topview.get("/v1/upload/check", fileId=announced["fileId"])["result"] is True


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"content": b"x", "headers": {"Authorization": "Bearer x"}}, 400),
        ({"content": b"x", "headers": {"Topview-Uid": "x"}}, 400),
        ({"content": iter([b"x"])}, 411),
    ],
    ids=["key", "uid", "no length"],
)
def test_the_storage_takes_bytes_of_a_known_length_without_the_vendors_headers(
    topview: Any, sent: dict[str, Any], status: int
) -> None:
    announced = topview.get("/v1/upload/credential", format="mp4")["result"]
    assert httpx.put(announced["uploadUrl"], **sent, trust_env=False).status_code == status
    assert topview.get("/v1/upload/check", fileId=announced["fileId"])["result"] is False


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/v1/upload/credential", {}, "4003"),
        ("/v1/upload/credential", {"format": "exe"}, "4000"),
        ("/v1/upload/check", {}, "4003"),
        ("/v1/upload/check", {"fileId": "nofile"}, "4004"),
        ("/v1/video_avatar/task/query", {}, "4003"),
        ("/v1/video_avatar/task/query", {"taskId": "nosuch"}, "4004"),
        ("/v1/video_avatar/task/query", {"taskId": "x", "needCloudFrontUrl": "yes"}, "4000"),
        ("/v1/voice/query", {"pageSize": "many"}, "4000"),
        ("/user/credit/logs", {"startTime": "yesterday"}, "4000"),
    ],
)
def test_wrong_query_is_refused(topview: Any, path: str, query: Any, code: str) -> None:
    assert topview.get(path, **query)["code"] == code


@pytest.mark.parametrize("missing", ["Topview-Uid", "Authorization"])
def test_call_without_key_is_unauthorised(topview: Any, missing: str) -> None:
    headers = {name: value for name, value in topview.headers().items() if name != missing}
    answer = topview.http.get("/user/credit/detail", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "401")


def test_key_without_the_word_bearer_is_unauthorised(topview: Any) -> None:
    headers = topview.headers() | {"Authorization": CREDENTIALS["topview"].password}
    assert topview.http.get("/v1/caption/list", headers=headers).json()["code"] == "401"


def test_lists_name_the_built_in_ids(topview: Any) -> None:
    avatars = topview.get("/v1/aiavatar/query", pageNo=1, pageSize=1)["result"]
    assert (avatars["total"], len(avatars["data"])) == (2, 1)
    assert avatars["data"][0]["aiavatarId"] == "sandbox-avatar-anna"
    voices = topview.get("/v1/voice/query", language="en")["result"]["data"]
    assert [voice["voiceId"] for voice in voices] == ["sandbox-voice-en"]
    assert topview.get("/v1/caption/list")["result"][0]["captionId"] == "sandbox-caption-plain"


def test_each_accepted_task_costs_a_credit(topview: Any, sandbox: Any) -> None:
    sandbox.clock(queue_seconds=100)
    task_id = topview.new()
    assert topview.get("/user/credit/detail")["result"]["credit"] == 999
    logs = topview.get("/user/credit/logs", taskType="video_avatar", pageNo=1, pageSize=5)["result"]
    assert [entry["taskId"] for entry in logs["data"]] == [task_id]


def test_cost_is_its_default_until_the_task_has_ended_and_then_that_of_the_credit_log(
    topview: Any, sandbox: Any, until: Any
) -> None:
    sandbox.clock(queue_seconds=100, run_seconds=100)
    task_id = topview.new()
    costs = [topview.query(task_id)["result"]["costCredit"]]
    sandbox.clock(advance=150)
    costs.append(topview.query(task_id)["result"]["costCredit"])
    sandbox.clock(advance=100)
    costs.append(done(topview, until, task_id)["costCredit"])
    (entry,) = topview.get("/user/credit/logs")["result"]["data"]
    assert costs == [0, 0, entry["costCredit"]]


def test_states_are_init_and_running(topview: Any, sandbox: Any) -> None:
    sandbox.clock(queue_seconds=100, run_seconds=100)
    task_id = topview.new()
    waiting = topview.query(task_id)["result"]
    sandbox.clock(advance=150)
    running = topview.query(task_id)["result"]
    assert (waiting["status"], running["status"], running["outputVideoUrl"]) == ("init", "running", None)


@pytest.mark.parametrize("word", ["fail", "failed"])
def test_failed_task_is_reported_in_either_word(topview: Any, sandbox: Any, word: str) -> None:
    sandbox.shapes(topview=word)
    sandbox.fault(kind="fail_job", vendor="topview", code="5000")
    found = topview.query(topview.new())["result"]
    assert (found["status"], found["errorMsg"], found["costCredit"]) == (word, "task failed: 5000", 1)
