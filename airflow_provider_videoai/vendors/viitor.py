# SPDX-License-Identifier: Apache-2.0
"""ViiTor AI: video text removal.

Follows the vendor's pages "Video Text Removal Create API" and "Video Text Removal Task Status API" (2026-05-11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import httpx
from pydantic import AfterValidator, Field, StringConstraints
from typing_extensions import override

from airflow_provider_videoai.connections.viitor import CONNECTION, ViiTorOptions
from airflow_provider_videoai.jobs.errors import AuthenticationFailed, InvalidRequest, SubmitRejected
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.protocol.call import Answer, Call, Flow, json_body
from airflow_provider_videoai.jobs.protocol.json_values import mapping, percent, rows, text, url, whole
from airflow_provider_videoai.jobs.protocol.response import SuccessBy
from airflow_provider_videoai.jobs.protocol.vendor import Vendor, Verdict
from airflow_provider_videoai.jobs.request import InputUrl, JobRequest, Rule
from airflow_provider_videoai.jobs.values.given_value import as_given
from airflow_provider_videoai.jobs.values.outputs import Output, OutputKind
from airflow_provider_videoai.jobs.values.scrub import short

__all__ = ["ID_PREFIX", "Box", "Regions", "TextRemovalRequest", "ViiTor"]

ID_PREFIX = "ViiTor_AI"

_STATES = {
    1: JobState.QUEUED,  # created
    2: JobState.QUEUED,
    3: JobState.RUNNING,
    4: JobState.SUCCEEDED,
    5: JobState.FAILED,
    6: JobState.ABORTED,
}


def _ordered_corners(box: list[float]) -> list[float]:
    left, top, right, bottom = box
    if left < 0 or top < 0 or right <= left or bottom <= top:
        raise ValueError("must be [x1, y1, x2, y2] with 0 <= x1 < x2 and 0 <= y1 < y2")
    return box


Box = Annotated[list[float], Field(min_length=4, max_length=4), AfterValidator(_ordered_corners)]
Regions = Annotated[list[Box], Field(max_length=5)]


class TextRemovalRequest(JobRequest):
    """Remove burnt-in text. At most 5 regions ``[x1, y1, x2, y2]`` of each kind, at least one in all.

    ``text_detect_roi``: text is looked for and erased there; ``full_erase_roi``: the whole region is erased.
    The vendor does not document their unit; they are passed on as they are. It cuts ``task_name`` at 50 characters.
    """

    operation: ClassVar[str] = "text_removal"

    url: InputUrl
    task_name: Annotated[str, StringConstraints(min_length=1)]
    text_detect_roi: Annotated[Regions | None, Field(alias="textDetectROI")] = None
    full_erase_roi: Annotated[Regions | None, Field(alias="fullEraseROI")] = None

    rules = (
        Rule(
            ("text_detect_roi", "full_erase_roi"),
            "text_detect_roi, full_erase_roi: at least one of them must name a region",
            lambda detect, erase: bool(detect or erase),
        ),
    )


class _Headers(httpx.Auth):
    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    @override
    def auth_flow(self, request: httpx.Request) -> Any:
        for name, value in self._headers.items():  # `update` takes longer, in every poll
            request.headers[name] = value
        yield request


class ViiTor(Vendor):
    """The ViiTor gateway: a bearer token and ``X-User-Id``; up to 100 jobs in one status call."""

    key = "viitor"
    title = "ViiTor"
    default_host = CONNECTION.default_host
    login_name = "login (the X-User-Id)"
    password_name = "password (the bearer token)"
    requests: ClassVar = {TextRemovalRequest.operation: TextRemovalRequest}
    # "Video Text Removal Task Status API": at most 100 ids per request, 2001 above that.
    batch_size = 100
    success_by = SuccessBy.BOTH
    known_states = frozenset(map(str, _STATES))
    options = ViiTorOptions
    errors: ClassVar = {
        # All that "Video Text Removal Task Status API" lists. Whether they come with HTTP 200 or 4xx it does not say.
        "2000": Verdict(SubmitRejected, "missing parameter"),
        "2001": Verdict(SubmitRejected, "invalid parameter"),
    }

    @property
    @override
    def auth(self) -> httpx.Auth:
        self.require_credentials()
        # X-User-Id is a Long on the page, and 2001 refuses any other: found here, it costs no request.
        if not self.account.login.isdigit():
            raise AuthenticationFailed(
                f"connection {self.account.conn_id!r}: its {self.login_name} must be a number; nothing was sent"
            )
        options = ViiTorOptions.of(self.account.options)
        headers = {
            "Authorization": f"Bearer {self.account.password}",
            "X-User-Id": self.account.login,
            "X-Channel": str(options.channel),
        }
        if options.app_source is not None:
            headers["X-App-Source"] = options.app_source
        return _Headers(headers)

    @classmethod
    @override
    def check_job_id(cls, job_id: str) -> None:
        super().check_job_id(job_id)
        if not job_id.startswith(ID_PREFIX):
            raise InvalidRequest(f"job_id: a ViiTor id starts with {ID_PREFIX!r}, not so {as_given(job_id)}")

    @override
    def submit(self, request: JobRequest, key: str | None) -> Flow[str]:
        call = self._call("add", request.to_vendor(), buys=True)
        data = self.read(call, (yield call)).get("data")
        # The page's response table could not be read whole: accept the id under its name, or bare.
        named = mapping(data).get("taskId")
        if isinstance(named, str) and named:
            return named
        if isinstance(data, str) and data.startswith(ID_PREFIX):
            return data
        raise self.lost(call, "no taskId in it")

    @override
    def statuses(self, operation: str, job_ids: Sequence[str]) -> Flow[dict[str, JobStatus]]:
        # One id without the prefix would have the vendor refuse all of them.
        proper = [job_id for job_id in job_ids if job_id.startswith(ID_PREFIX)]
        if not proper:
            return {}
        call = self._call("taskStatus", {"taskIds": proper})
        data = self.read(call, (yield call)).get("data")
        if not isinstance(data, list):
            raise self.lost(call, "no list of tasks in it")
        # Matched by taskId: that page promises neither the order of the rows nor one for each id.
        found = {status.job_id: status for status in map(_status, rows(data))}
        return {job_id: found[job_id] for job_id in job_ids if job_id in found}

    @override
    def probe(self) -> Flow[str]:
        yield from self.statuses(self.operation, [f"{ID_PREFIX}_connection_test"])
        return "ViiTor accepted the credentials: it answered about a job that does not exist"

    @override
    def judge(self, call: Call, answer: Answer, body: Mapping[str, Any]) -> None:
        code = whole(body.get("code"))
        if code is None:
            raise self.lost(call, "no code in it")
        if code != 0:
            self.refuse(call, code, body.get("message"), status=answer.status)

    def _call(self, name: str, body: Mapping[str, Any], *, buys: bool = False) -> Call:
        content_type = "application/json;charset=UTF-8"
        return Call(
            name=name,
            path=f"/textRemoval/{name}",
            headers={"Content-Type": content_type, "Accept": content_type},
            body=json_body(body),
            buys=buys,
        )


def _status(row: Mapping[str, Any]) -> JobStatus:
    # The page lists 1 to 6. Any other state counts as running: a paid job is not given up over a new number.
    state = _STATES.get(whole(row.get("taskStatus")) or 0, JobState.RUNNING)
    media_url = url(row.get("targetVideoUrl"))
    if state is JobState.SUCCEEDED and media_url is None:
        state = JobState.RUNNING  # "download when taskStatus is 4 and targetVideoUrl is not empty"
    failed = state in (JobState.FAILED, JobState.ABORTED)
    return JobStatus(
        job_id=text(row.get("taskId")) or "",
        state=state,
        raw=short(row.get("taskStatus")),
        progress=percent(row.get("taskProgress")),
        error_code=short(row.get("errorCode")) or None if failed else None,
        outputs=(Output(OutputKind.VIDEO, media_url),) if state is JobState.SUCCEEDED else (),
        details={name: row[name] for name in ("taskStatus", "errorCode", "updateTime") if name in row},
    )
