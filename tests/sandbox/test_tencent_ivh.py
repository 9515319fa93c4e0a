# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io
import re
import time
from typing import Any, cast
from urllib.parse import quote

import av
import httpx
import pytest

PATH = "/v2/ivh/videomaker/broadcastservice/videomake"


def done(tencent: Any, until: Any, task_id: str) -> dict[str, Any]:
    answer = until(lambda: tencent.progress(task_id), lambda a: a["Payload"]["Status"] in ("SUCCESS", "FAIL"))
    found: dict[str, Any] = answer["Payload"]
    return found


def video(tencent: Any, until: Any, **changes: Any) -> dict[str, Any]:
    return done(tencent, until, tencent.video(**changes)["Payload"]["TaskId"])


def speech(tencent: Any, until: Any, **changes: Any) -> dict[str, Any]:
    return done(tencent, until, tencent.tts(**changes)["Payload"]["TaskId"])


@pytest.mark.parametrize(
    ("form", "container", "codec", "alpha"),
    [
        ("Mp4", "mp4", "h264", False),
        ("GreenScreenMp4", "mp4", "h264", False),
        ("TransparentWebm", "webm", "vp8", True),
        ("TransparentMov", "mov", "qtrle", False),
        (None, "webm", "vp8", True),
    ],
)
def test_text_becomes_a_video_in_every_format(
    tencent: Any, until: Any, probe: Any, form: str | None, container: str, codec: str, alpha: bool
) -> None:
    found = video(tencent, until, VideoParam={"Format": form} if form else None)
    assert (found["Status"], found["Progress"], found["FailCode"]) == ("SUCCESS", 100, 0)
    result = probe(found["MediaUrl"])
    assert container in result.container
    assert (result.video, result.alpha) == (codec, alpha)
    assert result.seconds == pytest.approx(found["Duration"] / 1000, abs=0.05)


def corner_and_middle(content: bytes, decoder: str) -> tuple[list[int], list[int]]:
    """RGBA of two pixels of the first frame; FFmpeg's own VP8 decoder would drop the alpha."""
    context = cast(av.VideoCodecContext, av.CodecContext.create(decoder, "r"))
    with av.open(io.BytesIO(content), "r") as container:
        context.extradata = container.streams.video[0].codec_context.extradata
        if decoder == "qtrle":
            frames = list(container.decode(video=0))
        else:
            frames = [frame for packet in container.demux(video=0) for frame in context.decode(packet)]
    picture = frames[0].to_ndarray(format="rgba")
    return picture[2, 2].tolist(), picture[200, 180].tolist()


@pytest.mark.parametrize(("form", "decoder"), [("TransparentWebm", "libvpx"), ("TransparentMov", "qtrle")])
def test_nothing_is_behind_a_transparent_presenter(
    tencent: Any, until: Any, probe: Any, form: str, decoder: str
) -> None:
    found = video(tencent, until, VideoParam={"Format": form})
    corner, middle = corner_and_middle(probe(found["MediaUrl"]).content, decoder)
    assert (corner[3], middle[3]) == (0, 255)


def test_green_is_behind_a_presenter_before_a_green_screen(tencent: Any, until: Any, probe: Any) -> None:
    found = video(tencent, until, VideoParam={"Format": "GreenScreenMp4"})
    red, green, blue, _ = corner_and_middle(probe(found["MediaUrl"]).content, "h264")[0]
    assert green > 150
    assert max(red, blue) < 100


def test_text_driven_video_has_subtitles(tencent: Any, until: Any) -> None:
    found = video(tencent, until, InputSsml='<speak>One sentence. <break time="1.0s"/>Another &amp; last one!</speak>')
    answer = httpx.get(found["SubtitlesUrl"], trust_env=False)
    assert answer.headers["content-type"].startswith("application/x-subrip")
    cues = re.findall(r"(\d+)\n(\d\d:\d\d:\d\d,\d{3}) --> (\d\d:\d\d:\d\d,\d{3})\n(.+)\n", answer.text)
    assert [(cue[0], cue[3]) for cue in cues] == [("1", "One sentence."), ("2", "Another & last one!")]
    assert cues[0][2] < cues[1][1]


def test_audio_driven_video_lasts_as_the_audio_and_has_no_subtitles(tencent: Any, until: Any, sandbox: Any) -> None:
    audio = f"{sandbox.url}/sample/speech.mp3"
    found = video(tencent, until, InputSsml=None, DriverType="OriginalVoice", InputAudioUrl=audio)
    assert found["SubtitlesUrl"] == ""
    assert found["Duration"] == pytest.approx(5800, abs=1200)


@pytest.mark.parametrize(("codec", "rate"), [("mp3", 24000), ("wav", 16000), ("mp3", 16000)])
def test_text_becomes_speech_with_word_times(tencent: Any, until: Any, probe: Any, codec: str, rate: int) -> None:
    found = speech(tencent, until, InputSsml="How are you? 你好。", Codec=codec, SampleRate=rate, Volume=3)
    result = probe(found["MediaUrl"])
    assert (result.container, result.sample_rate, result.video) == (codec, rate, None)
    assert result.seconds == pytest.approx(found["Duration"] / 1000, abs=0.12)
    sentences = found["TextTimestampResult"]
    assert [sentence["Sentence"] for sentence in sentences] == ["How are you?", "你好。"]
    words = [word for sentence in sentences for word in sentence["Words"]]
    assert [word["Word"] for word in words] == ["How", "are", "you", "你", "好"]
    times = [time for word in words for time in (word["StartTimestamp"], word["EndTimestamp"])]
    assert times == sorted(times)
    assert times[-1] / 10_000 < found["Duration"] < times[-1] / 10_000 + 1000, "10,000 units are a millisecond"


def test_sentences_are_split_and_shown_as_asked(tencent: Any, until: Any) -> None:
    text = "one, two three. four five six"
    found = speech(tencent, until, InputSsml=text, SentenceMaxWords=2, SentenceDisplayPunctuation="0")
    assert [s["Sentence"] for s in found["TextTimestampResult"]] == ["one two", "three", "four five", "six"]


def test_a_point_in_a_number_ends_no_sentence(tencent: Any, until: Any) -> None:
    (sentence,) = speech(tencent, until, InputSsml="It is 3.5 km, 1,000 times.")["TextTimestampResult"]
    assert [word["Word"] for word in sentence["Words"]] == ["It", "is", "3.5", "km", "1,000", "times"]


def test_slow_speech_is_longer(tencent: Any, until: Any) -> None:
    slow, fast = (speech(tencent, until, Speed=speed)["Duration"] for speed in (0.5, 1.5))
    assert slow > 1.8 * fast


def test_results_go_to_storage_of_the_callers_own(tencent: Any, until: Any, storage: Any) -> None:
    found = video(
        tencent,
        until,
        VideoStorageS3Url=f"{storage.url}/write/v.mp4?secret=1",
        SubtitleStorageS3Url=f"{storage.url}/write/s.srt?secret=1",
    )
    assert found["MediaUrl"] == f"{storage.url}/write/v.mp4"
    assert b"ftyp" in storage.files["/write/v.mp4"][:12]
    assert b"-->" in storage.files["/write/s.srt"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"VideoStorageS3Url": "{storage}/forbidden"}, 801015),
        ({"DriverType": "OriginalVoice", "InputAudioUrl": "{storage}/none.mp3"}, 801008),
        ({"DriverType": "ModulatedVoice", "InputAudioUrl": "{storage}/text.mp3"}, 801009),
    ],
)
def test_what_cannot_be_fetched_or_stored_fails_the_task(
    tencent: Any, until: Any, storage: Any, changes: Any, code: int
) -> None:
    storage.files["/text.mp3"] = b"no sound"
    found = video(tencent, until, **{name: value.format(storage=storage.url) for name, value in changes.items()})
    assert (found["Status"], found["Progress"], found["FailCode"]) == ("FAIL", -1, code)
    assert found["FailMessage"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"VirtualmanKey": None}, 100001),
        ({"VirtualmanKey": "nobody"}, 100016),
        ({"VirtualmanKey": 5}, 100002),
        ({"InputSsml": None}, 100001),
        ({"InputSsml": "x" * 20_001}, 100002),
        ({"InputSsml": "x" * 2_001, "VideoParam": {"Format": "TransparentMov"}}, 100002),
        ({"InputSsml": "one\ntwo"}, 100002),
        ({"InputSsml": "this & that"}, 100002),
        ({"InputSsml": "<speak>open"}, 100002),
        ({"InputSsml": '<!DOCTYPE x [<!ENTITY a "b">]><speak>&a;</speak>'}, 100002),
        ({"SpeechParam": None}, 100001),
        ({"SpeechParam": {}}, 100001),
        ({"SpeechParam": {"Speed": 0.4}}, 100002),
        ({"SpeechParam": {"Speed": 1.6}}, 100002),
        ({"SpeechParam": {"Speed": "1"}}, 100002),
        ({"SpeechParam": {"Speed": 1, "Volume": 11}}, 100002),
        ({"SpeechParam": {"Speed": 1, "Volume": 1.5}}, 100002),
        ({"SpeechParam": {"Speed": 1, "TimbreKey": "nobody"}}, 100009),
        ({"SpeechParam": {"Speed": 1, "EmotionIntensity": 100}}, 100002),
        ({"SpeechParam": {"Speed": 1, "EmotionCategory": "happy"}}, 100002),
        (
            {
                "SpeechParam": {
                    "Speed": 1,
                    "TimbreKey": "sandbox-timbre-emotional",
                    "EmotionCategory": "happy",
                    "EmotionIntensity": 201,
                }
            },
            100002,
        ),
        ({"SpeechParam": {"Speed": 1, "Misspelt": 1}}, 100001),
        ({"VideoParam": {"Format": "Avi"}}, 100002),
        ({"VideoParam": "Mp4"}, 100002),
        ({"DriverType": "Voice"}, 100002),
        ({"DriverType": "OriginalVoice"}, 100001),
        ({"CallbackUrl": "http://x/" + "y" * 1000}, 100002),
        ({"ConcurrencyType": "Both"}, 100002),
        ({"Misspelt": 1}, 100001),
    ],
)
def test_wrong_video_is_refused_and_charges_nothing(tencent: Any, sandbox: Any, changes: Any, code: int) -> None:
    answer = tencent.video(**changes)
    assert answer["Header"]["Code"] == code
    assert "Payload" not in answer
    assert sandbox.ledger("tencent_ivh")["charges"] == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"TimbreKey": None}, 100001),
        ({"TimbreKey": "nobody"}, 100009),
        ({"VirtualmanKey": "nobody"}, 100016),
        ({"InputSsml": None}, 100001),
        ({"InputSsml": "x" * 20_001}, 100002),
        ({"Speed": None}, 100001),
        ({"Speed": 2}, 100002),
        ({"SampleRate": 44100}, 100002),
        ({"SampleRate": "16000"}, 100002),
        ({"Codec": "ogg"}, 100002),
        ({"SentenceMaxWords": 1000}, 100002),
        ({"Volume": -1}, 100002),
        ({"SpeechParam": {"Speed": 1}}, 100001),
    ],
)
def test_wrong_speech_is_refused(tencent: Any, changes: Any, code: int) -> None:
    assert tencent.tts(**changes)["Header"]["Code"] == code


def test_avatar_alone_gives_speech_its_voice(tencent: Any) -> None:
    assert tencent.tts(TimbreKey=None, VirtualmanKey="sandbox-virtualman")["Header"]["Code"] == 0


@pytest.mark.parametrize("body", [{"Payload": {}}, {"Header": {}}, {"Header": {}, "Payload": []}, {}])
def test_both_parts_of_the_envelope_are_required(tencent: Any, body: Any) -> None:
    assert tencent.call("getprogress", body)["Header"]["Code"] == 100001


def test_raw_signature_encoded_once_holds_and_encoded_twice_fails(tencent: Any) -> None:
    query = tencent.query()
    while "+" not in query["signature"]:
        query = tencent.query(requestid=f"r{time.monotonic_ns()}")
    assert tencent.call("getprogress", {"Header": {}, "Payload": {"TaskId": "x"}}, query)["Header"]["Code"] == 110006
    twice = query | {"signature": quote(query["signature"], safe="")}
    assert tencent.call("getprogress", {"Header": {}, "Payload": {"TaskId": "x"}}, twice)["Header"]["Code"] == 100005
    bare = "&".join(f"{name}={value}" for name, value in query.items())
    answer = tencent.http.post(f"{PATH}?{bare}", json={"Header": {}, "Payload": {}})
    assert answer.json()["Header"]["Code"] == 100005


@pytest.mark.parametrize(
    "changes",
    [
        {"appkey": "other"},
        {"timestamp": "now"},
        {"signature": "AAAA"},
    ],
)
def test_call_that_is_not_signed_is_refused(tencent: Any, sandbox: Any, changes: dict[str, str]) -> None:
    answer = tencent.call("videomake", {"Header": {}, "Payload": {}}, tencent.query(**changes))
    assert answer["Header"]["Code"] == 100005
    assert sandbox.ledger()["totals"]["tencent_ivh"]["refused"] == 1


@pytest.mark.parametrize("seconds", [-310, 400])
def test_call_of_another_time_is_refused(tencent: Any, seconds: int) -> None:
    query = tencent.query(timestamp=str(int(time.time()) + seconds))
    assert tencent.call("videomake", {"Header": {}, "Payload": {}}, query)["Header"]["Code"] == 100005


def test_unknown_task_has_no_payload(tencent: Any) -> None:
    answer = tencent.progress("f" * 32)
    assert (answer["Header"]["Code"], answer["Header"]["Message"]) == (110006, "InternalError.DataNotExist:记录不存在")
    assert "Payload" not in answer


def test_sixth_video_of_an_avatar_waits_for_a_slot(tencent: Any, sandbox: Any) -> None:
    sandbox.clock(run_seconds=100)
    ids = [tencent.video()["Payload"]["TaskId"] for _ in range(8)]
    other = tencent.video(VirtualmanKey="sandbox-virtualman-2")["Payload"]["TaskId"]
    states = [tencent.progress(task_id)["Payload"] for task_id in [*ids, other]]
    assert [state["Status"] for state in states] == ["MAKING"] * 5 + ["COMMIT"] * 3 + ["MAKING"]
    assert [state["ArrayCount"] for state in states[5:8]] == [0, 1, 2]


def test_waiting_video_starts_when_an_earlier_one_ends(tencent: Any, sandbox: Any, until: Any) -> None:
    sandbox.clock(run_seconds=100)
    ids = [tencent.video(InputSsml="Hi.")["Payload"]["TaskId"] for _ in range(6)]
    sandbox.clock(advance=150)
    until(lambda: tencent.progress(ids[4])["Payload"]["Status"], lambda status: status == "SUCCESS")
    assert tencent.progress(ids[5])["Payload"]["Status"] == "MAKING"


def test_second_speech_is_refused_while_one_is_made(tencent: Any, sandbox: Any, until: Any) -> None:
    sandbox.clock(run_seconds=100)
    first = tencent.tts()["Payload"]["TaskId"]
    answer = tencent.tts()
    assert (answer["Header"]["Code"], answer["Header"]["Message"]) == (100008, "提交音频制作数量超过限制:1")
    sandbox.clock(advance=200)
    done(tencent, until, first)
    assert tencent.tts()["Header"]["Code"] == 0


def test_status_can_be_left_out(tencent: Any, sandbox: Any, until: Any) -> None:
    sandbox.shapes(tencent_ivh="no_status")
    task_id = tencent.tts()["Payload"]["TaskId"]
    found = until(lambda: tencent.progress(task_id)["Payload"], lambda payload: payload["Progress"] == 100)
    assert "Status" not in found
    sandbox.fault(kind="fail_job")
    failed = tencent.progress(tencent.tts()["Payload"]["TaskId"])["Payload"]
    assert (failed["Progress"], failed["FailCode"]) == (-1, 801000)
