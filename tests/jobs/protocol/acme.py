# SPDX-License-Identifier: Apache-2.0
"""The least vendor, for tests of what every vendor does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import httpx
import pytest
from typing_extensions import override

from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    ContentRejected,
    JobFailed,
    JobNotFound,
    QuotaExceeded,
    SubmitRejected,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.model import JobStatus
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.call import Answer, Call, Flow, json_body
from airflow_provider_videoai.jobs.protocol.response import SuccessBy
from airflow_provider_videoai.jobs.protocol.vendor import Vendor, Verdict
from airflow_provider_videoai.jobs.request import JobRequest

NOW = 1_700_000_000.0
SECRET = "acme-secret-1a2b3c"


class Paint(JobRequest):
    operation: ClassVar[str] = "paint"


class Carve(JobRequest):
    operation: ClassVar[str] = "carve"


class Acme(Vendor):
    """The least vendor: its envelope is ``{"code": ..., "message": ...}``, 0 is success."""

    key = "acme"
    title = "Acme"
    default_host = "https://acme.example.com"
    login_name = "login (the number)"
    success_by = SuccessBy.BOTH
    requests: ClassVar = {"paint": Paint, "carve": Carve}
    errors: ClassVar = {
        "1": Verdict(AuthenticationFailed, "who are you"),
        "2": Verdict(QuotaExceeded, "queue full"),
        "3": Verdict(ContentRejected, "ugly"),
        "4": Verdict(SubmitRejected, "wrong parameter"),
        "5": Verdict(VendorUnavailable, "internal"),
        "6": Verdict(JobNotFound, "no such job"),
        "7": Verdict(JobFailed, "it failed"),
        "8": Verdict(SubmitRejected, "no credit", of_account=True),
    }

    @property
    @override
    def auth(self) -> httpx.Auth:
        return httpx.BasicAuth(self.account.login, self.account.password)

    @override
    def submit(self, request: JobRequest, key: str | None) -> Flow[str]:
        yield BUY
        return key or request.operation

    @override
    def statuses(self, operation: str, job_ids: Sequence[str]) -> Flow[dict[str, JobStatus]]:
        yield ASK
        return {}

    @override
    def probe(self) -> Flow[str]:
        yield ASK
        return "fine"

    @override
    def judge(self, call: Call, answer: Answer, body: Mapping[str, Any]) -> None:
        if "code" not in body:
            raise self.lost(call, "no code in it")
        if body["code"] != 0:
            self.refuse(call, body["code"], body.get("message"), status=answer.status, retry_after=body.get("wait"))


BUY = Call(name="buy", path="/buy", buys=True)
ASK = Call(name="ask", path="/ask")


def acme(**changes: Any) -> Acme:
    fields = {"conn_id": "acme_conn", "host": Acme.default_host, "login": "77", "password": SECRET} | changes
    return Acme(Account(**fields), lambda: NOW)


def answer(status: int, body: Any = b"", headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, headers or {}, body if isinstance(body, bytes) else json_body(body))


def read_error(call: Call, given_answer: Answer) -> VideoAIError:
    with pytest.raises(VideoAIError) as raised:
        acme().read(call, given_answer)
    return raised.value


# -- read: by HTTP status -----------------------------------------------------------------------------------
