# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 - Chinese marks are meant
"""Subtitles as files of the user's own: from the times of words, and from SRT that the vendor made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pysubs2
import pytest
from airflow.sdk import DAG, Asset, AssetAlias
from airflow.sdk.execution_time.context import OutletEventAccessors

from airflow_provider_videoai.hooks.lookup import hook_for
from airflow_provider_videoai.jobs.errors import InvalidRequest, ResultUnavailable
from airflow_provider_videoai.media.storage import Destination
from airflow_provider_videoai.operators.tencent_ivh import TencentTtsOperator
from airflow_provider_videoai.transfers.subtitles import WordTimesToSubtitlesOperator
from tests.support.spoken import said
from tests.support.tasks import execute

SPEECH = {
    "vendor": "tencent_ivh",
    "operation": "tts",
    "job_id": "t1",
    "state": "succeeded",
    "media_url": "https://example.com/a.mp3?sig=secret",
    "details": {"TextTimestampResult": said("Hello there, everyone.", "Welcome to the lake.", each=400)},
}
SRT = """\
1
00:00:00,000 --> 00:00:01,120
Hello there, everyone.

2
00:00:01,200 --> 00:00:02,800
Welcome to the lake.

"""

VTT = """\
WEBVTT

1
00:00:00.000 --> 00:00:01.120
Hello there, everyone.

2
00:00:01.200 --> 00:00:02.800
Welcome to the lake.

"""

Subtitle = Callable[..., Any]


def operator(**arguments: Any) -> WordTimesToSubtitlesOperator:
    return WordTimesToSubtitlesOperator(
        task_id="write", **{"result": SPEECH, "destination": "file:///out.srt", **arguments}
    )


@pytest.fixture
def subtitle() -> Subtitle:
    """Run the operator as a worker does; the events of its outlets come back through ``events``."""

    def subtitle(result: Any, destination: str, *, events: OutletEventAccessors | None = None, **arguments: Any) -> Any:
        task = operator(result=result, destination=destination, **arguments)
        return execute(task, outlet_events=OutletEventAccessors() if events is None else events)

    return subtitle


def finished(**request: Any) -> dict[str, Any]:
    """Have the sandbox make something of Tencent's, and return the result."""
    hook = hook_for("tencent_ivh")
    operation = "video_make" if "video_param" in request else "tts"
    job_id = hook.submit(request, operation=operation)
    while not (result := hook.result(job_id, operation)).state.terminal:
        pass
    return result.to_dict()


def video(text: str = "One sentence. Another &amp; last one!") -> dict[str, Any]:
    return finished(virtualman_key="sandbox-virtualman", input_ssml=text, video_param={"Format": "Mp4"})


def test_the_suffix_decides_the_format_of_the_file(store: Any, subtitle: Subtitle) -> None:
    kept = subtitle(SPEECH, f"{store.root}/{{job_id}}.srt")
    subtitle(SPEECH, f"{store.root}/{{job_id}}.VTT")
    assert store.files() == {
        "t1.srt": SRT.encode(),
        "t1.VTT": VTT.encode(),
    }
    assert kept == {
        "path": f"{store.root}/t1.srt",
        "bytes": len(SRT),
        "sha256": hashlib.sha256(SRT.encode()).hexdigest(),
        "cues": 2,
        "vendor": "tencent_ivh",
        "operation": "tts",
        "job_id": "t1",
        "media_id": None,
    }


@pytest.mark.parametrize(
    "text",
    [
        "Hello &amp; welcome! The lake, which is 3.5 km long, lies (mostly) between hills. Yes. <break time='2s'/> Go.",
        "你好！人工智能正在改变我们制作视频的方式，从脚本到配音，每一步都可以用AI自动完成。",
    ],
    ids=["latin", "chinese"],
)
def test_speech_of_the_sandbox_becomes_subtitles_at_the_times_of_its_words(
    sandbox: Any, file_store: Any, subtitle: Subtitle, text: str
) -> None:
    result = finished(input_ssml=text, timbre_key="sandbox-timbre")
    words = [word for sentence in result["details"]["TextTimestampResult"] for word in sentence["Words"]]
    subtitle(result, f"{file_store.root}/speech.srt")
    cues = list(pysubs2.SSAFile.from_string(file_store.files()["speech.srt"].decode(), format_="srt"))
    shown = "".join(cue.plaintext for cue in cues).replace("\n", "").replace(" ", "")
    assert shown == "".join(each["Sentence"] for each in result["details"]["TextTimestampResult"]).replace(" ", "")
    assert cues[0].start == words[0]["StartTimestamp"] // 10_000
    assert {cue.start for cue in cues} <= {word["StartTimestamp"] // 10_000 for word in words}
    assert len(sandbox.ledger("tencent_ivh")["submissions"]) == 1


@pytest.mark.usefixtures("prompt")
def test_word_timestamps_pass_from_task_to_task(task: Any, cases: Any, file_store: Any, subtitle: Subtitle) -> None:
    result = task(cases["tencent_tts"], input_ssml="Hello there.").run()
    assert subtitle(json.dumps(result), f"{file_store.root}/a.vtt")["cues"] == 1
    assert b"Hello there." in file_store.files()["a.vtt"]


def test_a_second_run_changes_nothing(store: Any, subtitle: Subtitle, monkeypatch: pytest.MonkeyPatch) -> None:
    first = subtitle(SPEECH, f"{store.root}/a.srt")
    monkeypatch.setattr(Destination, "create", lambda _: pytest.fail("it was written again"))
    assert subtitle(SPEECH, f"{store.root}/a.srt") == first


@pytest.mark.parametrize("there", [b"mine", bytes(len(SRT))], ids=["another length", "the same length"])
def test_different_content_stays_unless_overwrite_is_set(store: Any, subtitle: Subtitle, there: bytes) -> None:
    store.put("a.srt", there)
    with pytest.raises(InvalidRequest, match=r"another file is at .*; overwrite=True"):
        subtitle(SPEECH, f"{store.root}/a.srt")
    assert store.files() == {"a.srt": there}
    subtitle(SPEECH, f"{store.root}/a.srt", overwrite=True)
    assert store.files() == {"a.srt": SRT.encode()}


def test_a_layout_changes_the_lines(file_store: Any, subtitle: Subtitle) -> None:
    subtitle(SPEECH, f"{file_store.root}/a.srt", layout={"characters_per_line": 12})
    assert "Hello there,\neveryone.\n" in file_store.files()["a.srt"].decode()


def test_each_result_of_a_list_has_a_file_and_the_outlets_get_all(file_store: Any, subtitle: Subtitle) -> None:
    asset, alias, events = Asset("subtitles"), AssetAlias("new-subtitles"), OutletEventAccessors()
    results = [SPEECH, {**SPEECH, "job_id": "t2"}]
    kept = subtitle(results, f"{file_store.root}/{{job_id}}.srt", outlets=[asset, alias], events=events)
    assert set(file_store.files()) == {"t1.srt", "t2.srt"}
    assert events[asset].extra == {"subtitles": kept}
    assert [event.extra for event in events[alias].asset_alias_events] == kept


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"details": {}}, r"job t1 has no word timestamps .*TencentTtsOperator\), no field is needed for them"),
        (
            {"details": {}, "subtitles_url": "https://example.com/a.srt"},
            "subtitles of its own: .* subtitles_dest",
        ),
        ({"details": {"TextTimestampResult": [{"Sentence": "Hi."}]}}, "no words with times"),
        ({"state": "queued", "details": {}}, "job t1 has not succeeded; wait for it"),
    ],
)
def test_a_result_without_timestamps_is_refused_and_nothing_is_written(
    file_store: Any, subtitle: Subtitle, change: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(InvalidRequest, match=complaint) as refused:
        subtitle(
            [SPEECH, {**SPEECH, "job_id": "t0"} | change | {"job_id": "t1"}][1:], f"{file_store.root}/{{job_id}}.srt"
        )
    assert "secret" not in str(refused.value)
    assert file_store.files() == {}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"destination": "file:///a.txt"}, r"destination: must end in \.srt or \.vtt"),
        ({"destination": "a.srt"}, "destination: must be the URL of a file"),
        ({"destination": "file:///{job}.srt"}, "there is no field"),
        ({"layout": {"lines": 2}}, "layout: there is no lines; there are characters_per_line"),
        ({"layout": {"lines_per_cue": 0}}, "layout: lines_per_cue"),
        ({"layout": "two lines"}, "layout: must be a dict, not a str"),
    ],
)
def test_a_wrong_argument_is_named_when_the_dag_is_parsed(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidRequest, match=complaint):
        operator(**arguments)


def test_a_constant_path_is_the_outlet_and_the_results_task_is_upstream() -> None:
    with DAG("pipeline", schedule=None):
        made = TencentTtsOperator(task_id="make", input_ssml="Hi.", timbre_key="sandbox-timbre")
        written = operator(result=made.output, destination="s3://conn@bucket/latest.srt")
    assert written.upstream_task_ids == {"make"}
    assert written.outlets == [Asset(uri="s3://bucket/latest.srt")]
    assert operator(destination="s3://conn@bucket/{{ ds }}.srt").outlets == []


# -- SRT that the vendor made ---


def test_the_vendors_srt_is_stored_as_webvtt_if_the_suffix_is_vtt(sandbox: Any, store: Any, transfer: Any) -> None:  # noqa: ARG001
    result = video()
    assert "TextTimestampResult" not in result["details"], "the vendor fills it for speech alone"
    kept = transfer(result, f"{store.root}/a.mp4", subtitles_destination=f"{store.root}/a.vtt")
    vtt = store.files()["a.vtt"]
    assert vtt.startswith(b"WEBVTT\n\n1\n00:00:00.120 --> ")
    assert b"Another &amp; last one!" in vtt
    assert kept["subtitles"] == {
        "path": f"{store.root}/a.vtt",
        "bytes": len(vtt),
        "sha256": hashlib.sha256(vtt).hexdigest(),
    }
    assert transfer(result, f"{store.root}/a.mp4", subtitles_destination=f"{store.root}/a.vtt") == kept


def test_existing_webvtt_is_not_replaced_without_overwrite(sandbox: Any, file_store: Any, transfer: Any) -> None:  # noqa: ARG001
    result, places = video(), (f"{file_store.root}/a.mp4", f"{file_store.root}/a.vtt")
    file_store.put("a.vtt", b"WEBVTT")
    with pytest.raises(InvalidRequest, match="another file is at"):
        transfer(result, places[0], subtitles_destination=places[1])
    assert file_store.files()["a.vtt"] == b"WEBVTT"
    transfer(result, places[0], subtitles_destination=places[1], overwrite=True)
    assert b"-->" in file_store.files()["a.vtt"]


@pytest.mark.parametrize("body", [b"Not found", b"1 --> 2", b"00:00:01,000 --> 00:00:02,000\n\xff\xfe\n"])
def test_a_file_that_is_not_srt_is_not_converted(
    sandbox: Any, file_store: Any, transfer: Any, result_at: Any, serve: Any, body: bytes
) -> None:
    result = result_at(f"{sandbox.url}/sample/clip.mp4", subtitles_url=serve(body, "text/plain"))
    with pytest.raises(ResultUnavailable, match="not subtitles"):
        transfer(result, f"{file_store.root}/a.mp4", subtitles_destination=f"{file_store.root}/a.vtt")
    assert set(file_store.files()) == {"a.mp4"}


def test_half_a_surrogate_pair_is_written_as_a_replacement_character(file_store: Any, subtitle: Subtitle) -> None:
    lone = {**SPEECH, "details": {"TextTimestampResult": said("Hello \ud800there.")}}
    subtitle(lone, f"{file_store.root}/a.srt")
    assert "Hello \ufffdthere." in file_store.files()["a.srt"].decode()
