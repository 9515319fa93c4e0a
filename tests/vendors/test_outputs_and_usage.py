# SPDX-License-Identifier: Apache-2.0
"""Each vendor's answers, as its documents show them, to all that they list and to what they say that it cost."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from airflow_provider_videoai.jobs.errors import VendorUnavailable
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from airflow_provider_videoai.jobs.values.outputs import Output, OutputKind
from airflow_provider_videoai.jobs.values.usage import Usage
from airflow_provider_videoai.vendors.aidge import Aidge
from airflow_provider_videoai.vendors.cdnetworks import CDNetworks
from airflow_provider_videoai.vendors.tencent_ivh import TencentIVH
from airflow_provider_videoai.vendors.topview import Topview
from airflow_provider_videoai.vendors.viitor import ViiTor
from tests.support import aidge_words, cdnetworks_words, tencent_words

VIDEO, AUDIO, IMAGE, SUBTITLES, FILE = OutputKind
A, B, C = (f"https://media.example.com/{name}.mp4?sign=s" for name in "abc")
COVER, SRT = "https://media.example.com/cover.png", "https://media.example.com/a.srt"
JOB = "ViiTor_AI_1"


class Case(NamedTuple):
    vendor: type[Vendor]
    operation: str
    answer: Any
    outputs: tuple[Output, ...]
    usage: Usage | None = None


def viitor(**row: Any) -> Any:
    said = {"taskId": JOB, "taskStatus": 4, "taskProgress": 100, "errorCode": 0, "updateTime": 1776057650456}
    return {"code": 0, "message": "OK", "data": [said | row]}


def topview(**task: Any) -> Any:
    return {"code": "200", "message": "Success", "result": {"taskId": JOB, "status": "success", **task}}


def pulled(*video_ids: str) -> Any:
    infos = [{"videoId": each, "videoName": f"clip {each}", "videoDuration": "20"} for each in video_ids]
    items = [{"pullStatus": 2, "videoInfo": info} for info in infos]
    return cdnetworks_words.ok({"taskId": "t", "transNo": JOB, "items": items})


CASES = {
    "viitor": Case(ViiTor, "text_removal", viitor(targetVideoUrl=A), (Output(VIDEO, A),)),
    "aidge, bare": Case(Aidge, "video_removal", aidge_words.well({"videoUrl": A}), (Output(VIDEO, A),)),
    "aidge, a list within": Case(
        Aidge,
        "video_removal",
        aidge_words.well({"taskStatus": "finished", "taskResult": json.dumps([{"videoUrl": A}, {"videoUrl": B}])}),
        (Output(VIDEO, A), Output(VIDEO, B)),
    ),
    "aidge, a list": Case(
        Aidge,
        "video_removal",
        aidge_words.well([{"taskStatus": "finished", "videoUrl": A}, {"videoUrl": B}, {"result": {"videoUrl": C}}]),
        (Output(VIDEO, A), Output(VIDEO, B), Output(VIDEO, C)),
    ),
    "aidge, one address twice": Case(
        Aidge, "video_removal", aidge_words.well({"videoUrl": A, "result": {"videoUrl": A}}), (Output(VIDEO, A),)
    ),
    "aidge, a usage without a unit": Case(
        Aidge, "video_removal", aidge_words.well({"videoUrl": A, "usage": 1}), (Output(VIDEO, A),)
    ),
    "cdnetworks, trim": Case(
        CDNetworks,
        "trim",
        cdnetworks_words.ok({"taskId": "t", "status": 2, "videoInfo": {"videoId": "v1", "videoName": "piece"}}),
        (Output(VIDEO, None, "v1"),),
    ),
    "cdnetworks, pull": Case(CDNetworks, "pull_video", pulled("v1"), (Output(VIDEO, None, "v1"),)),
    "cdnetworks, pull of several": Case(
        CDNetworks,
        "pull_video",
        pulled("v1", "v2"),
        (Output(VIDEO, None, "v1", "clip v1"), Output(VIDEO, None, "v2", "clip v2")),
    ),
    "tencent, video": Case(
        TencentIVH,
        "video_make",
        tencent_words.envelope({"Status": "SUCCESS", "Progress": 100, "MediaUrl": A, "SubtitlesUrl": SRT}),
        (Output(VIDEO, A), Output(SUBTITLES, SRT)),
    ),
    "tencent, speech": Case(
        TencentIVH,
        "tts",
        tencent_words.envelope({"Status": "SUCCESS", "MediaUrl": "https://media.example.com/a.wav"}),
        (Output(AUDIO, "https://media.example.com/a.wav"),),
    ),
    "topview, as the page": Case(Topview, "video_avatar", topview(outputVideoUrl=A), (Output(VIDEO, A),)),
    "topview, with cost, id and cover": Case(
        Topview,
        "video_avatar",
        topview(
            costCredit=12.5, outputVideoUrl=A, outputVideoFileId="f1", outputCoverUrl=COVER, outputCoverFileId="f2"
        ),
        (Output(VIDEO, A, "f1"), Output(IMAGE, COVER, "f2", "cover")),
        Usage(credits=12.5),
    ),
    "topview, siblings' names": Case(
        Topview,
        "video_avatar",
        topview(costCredit=0, finishedVideoCoverUrl=COVER, finishedVideoUrl=A),
        (Output(VIDEO, A), Output(IMAGE, COVER, None, "cover")),
        Usage(credits=0),
    ),
    "topview, several of which one failed": Case(
        Topview,
        "video_avatar",
        topview(
            costCredit=3,
            videos=[
                {"status": "success", "filePath": A},
                {"status": "fail", "filePath": C, "errorMsg": "no"},
                {"originVideo": {"filePath": B, "width": 1}},
                {"status": "success", "filePath": None},
            ],
        ),
        (Output(VIDEO, A, None, "video 1"), Output(VIDEO, B, None, "video 3")),
        Usage(credits=3),
    ),
    "topview, exports with covers": Case(
        Topview,
        "video_avatar",
        topview(exportVideos=[{"status": "success", "videoUrl": A, "coverUrl": COVER}, {"videoUrl": B}]),
        (Output(VIDEO, A, None, "video 1"), Output(VIDEO, B, None, "video 2"), Output(IMAGE, COVER, None, "cover 1")),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_nothing_that_a_document_lists_is_lost_and_nothing_is_made_up(open_account: Any, play: Any, case: Case) -> None:
    vendor = open_account(case.vendor)
    status: JobStatus = play(case.answer).run(vendor.statuses(case.operation, [JOB]))[JOB]
    assert (status.state, status.outputs, status.usage) == (JobState.SUCCEEDED, case.outputs, case.usage)


@pytest.mark.parametrize("cost", [-1, "-1", "free", "12 USD", "1e3", "", "9" * 400, None, True, [], {}, 1e300])
def test_a_cost_that_is_no_amount_is_unknown(open_account: Any, play: Any, cost: Any) -> None:
    answer = topview(outputVideoUrl=A, costCredit=cost)
    assert play(answer).run(open_account(Topview).statuses("video_avatar", [JOB]))[JOB].usage is None


@pytest.mark.parametrize("cost", [0.3, "0.3", "0.30"])
def test_a_cost_is_read_from_a_number_and_from_its_text(open_account: Any, play: Any, cost: Any) -> None:
    answer = topview(outputVideoUrl=A, costCredit=cost)
    usage = play(answer).run(open_account(Topview).statuses("video_avatar", [JOB]))[JOB].usage
    assert usage == Usage(credits=0.3)


@pytest.mark.parametrize("word", ["init", "running", "success"])
def test_the_cost_of_a_job_that_goes_on_is_its_default_and_not_read(open_account: Any, play: Any, word: str) -> None:
    status = play(topview(status=word, costCredit=0)).run(open_account(Topview).statuses("video_avatar", [JOB]))[JOB]
    assert (status.state.terminal, status.usage) == (False, None)


def test_a_failed_job_says_what_it_cost(open_account: Any, play: Any) -> None:
    status = play(topview(status="fail", costCredit=2)).run(open_account(Topview).statuses("video_avatar", [JOB]))[JOB]
    assert (status.usage, status.outputs) == (Usage(credits=2), ())


def test_a_cover_without_its_video_is_no_result(open_account: Any, play: Any) -> None:
    answer = topview(outputCoverUrl=COVER, exportVideos=[{"coverUrl": COVER}])
    status = play(answer).run(open_account(Topview).statuses("video_avatar", [JOB]))[JOB]
    assert (status.state, status.outputs) == (JobState.RUNNING, ())


def test_every_address_of_a_publication_is_an_output_and_the_other_videos_keep_their_ids(vod: Any, play: Any) -> None:
    status = play(pulled("v1", "v2")).run(vod.statuses("pull_video", [JOB]))[JOB]
    published = {
        "videoUrl": [{"urlType": "PC", "sdUrl": B, "originUrl": A}, {"urlType": "Mobile", "originUrl": A}],
        "tryWatchVideoUrl": [{"urlType": "PC", "originUrl": C}],
    }
    exchange = play(cdnetworks_words.ok(published))
    result = exchange.run(vod.result("pull_video", status))
    assert result.outputs == (
        Output(VIDEO, A, "v1", "PC originUrl"),
        Output(VIDEO, B, "v1", "PC sdUrl"),
        Output(VIDEO, C, "v1", "preview PC originUrl"),
        Output(VIDEO, None, "v2", "clip v2"),
    )
    assert (result.media_url, result.media_id, len(exchange.calls)) == (A, "v1", 1)


def test_a_preview_alone_is_not_the_video(vod: Any, play: Any) -> None:
    status = JobStatus(job_id=JOB, state=JobState.SUCCEEDED, media_id="v1")
    answer = cdnetworks_words.ok({"videoUrl": [], "tryWatchVideoUrl": [{"originUrl": C}]})
    with pytest.raises(VendorUnavailable, match="no video URL"):
        play(answer).run(vod.result("trim", status))


def test_a_label_holds_nothing_that_opens_an_address(vod: Any, play: Any) -> None:
    status = JobStatus(job_id=JOB, state=JobState.SUCCEEDED, media_id="v1")
    published = {"videoUrl": [{"urlType": "https://user:pw@media.example.com/x?sign=s", "originUrl": A}]}
    (output,) = play(cdnetworks_words.ok(published)).run(vod.result("trim", status)).outputs
    assert output.label == "https://media.example.com/x originUrl"
