# SPDX-License-Identifier: Apache-2.0
"""A vendor that exists nowhere else, so that the engine can know nothing of it; and a transport without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import httpx
from typing_extensions import override

from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    ContentRejected,
    InvalidRequest,
    JobNotFound,
    QuotaExceeded,
    ResultUnavailable,
    SubmitRejected,
    VendorUnavailable,
)
from airflow_provider_videoai.jobs.http.rate_limit import RateLimit
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.protocol.call import Answer, Call, Flow, json_body, path_of
from airflow_provider_videoai.jobs.protocol.idempotency import Idempotency
from airflow_provider_videoai.jobs.protocol.vendor import Vendor, Verdict
from airflow_provider_videoai.jobs.request import JobRequest

SIGNATURE = "s1gnatur3"
NOW = 1_700_000_000.0


class Order(JobRequest):
    operation = "develop"

    film: str
    trans_no: str | None = None

    @property
    @override
    def chosen_id(self) -> str | None:
        return self.trans_no


class Reprint(JobRequest):
    operation = "reprint"

    film: str = "old"

    @property
    @override
    def polled_as(self) -> str:
        return "reprint:large"


class _SignedUrl(httpx.Auth):
    """Signs in the URL, as some vendors do: no error may show it."""

    def __init__(self, password: str) -> None:
        self._password = password

    @override
    def auth_flow(self, request: httpx.Request) -> Any:
        request.headers["X-Password"] = self._password
        request.url = request.url.copy_merge_params({"signature": SIGNATURE})
        yield request


class Lab(Vendor):
    """A vendor of the tests: one job in a status call."""

    key = "lab"
    title = "Lab"
    default_host = "http://lab.test"
    requests: ClassVar = {"develop": Order, "reprint": Reprint}
    poll_floor = 0.01
    known_states = frozenset(JobState)
    errors: ClassVar = {
        "1": Verdict(SubmitRejected, "bad id"),
        "2": Verdict(QuotaExceeded, "queue full"),
        "3": Verdict(AuthenticationFailed, "who are you"),
        "4": Verdict(ContentRejected, "no such film"),
        "5": Verdict(ResultUnavailable, "thrown away"),
        "6": Verdict(VendorUnavailable, "lights out"),
        "7": Verdict(InvalidRequest, "out of range"),
        "8": Verdict(JobNotFound, "never heard of it"),
    }

    @property
    @override
    def auth(self) -> httpx.Auth:
        self.require_credentials()
        return _SignedUrl(self.account.password)

    @override
    def submit(self, request: JobRequest, key: str | None) -> Flow[str]:
        call = Call(name="order", path="/order", body=json_body(request.to_vendor() | {"id": key}), buys=True)
        return str(self.read(call, (yield call))["id"])

    @override
    def statuses(self, operation: str, job_ids: Sequence[str]) -> Flow[dict[str, JobStatus]]:
        assert 0 < len(job_ids) <= self.batch_size, "the engine queries as many jobs as the vendor allows"
        call = Call(name="look", path="/look", body=json_body({"operation": operation, "ids": list(job_ids)}))
        rows = self.read(call, (yield call))["jobs"]
        return {
            row["id"]: JobStatus(job_id=row["id"], state=JobState(row["state"]), progress=row.get("progress"))
            for row in rows
        }

    @override
    def result(self, operation: str, status: JobStatus) -> Flow[JobStatus]:
        call = Call(name="fetch", path="/fetch", body=json_body({"id": status.job_id}))
        return status.with_media(media_url=self.read(call, (yield call))["url"])

    @override
    def probe(self) -> Flow[str]:
        yield from self.statuses("develop", ["probe"])
        return "fine"

    @override
    def judge(self, call: Call, answer: Answer, body: Mapping[str, Any]) -> None:
        if code := body.get("code"):
            more = {"retry_after": body["retry_after"]} if "retry_after" in body else {}
            self.refuse(call, code, body.get("message"), status=answer.status, **more)


class BatchLab(Lab):
    """The same vendor with a hundred jobs in a status call."""

    key = "batch_lab"
    title = "Batch lab"
    batch_size = 100


class OwnIdLab(Lab):
    """The same vendor, at which the caller names the job."""

    key = "own_id_lab"
    title = "Own id lab"
    idempotency = Idempotency.CALLER_ID


class KeyLab(Lab):
    """The same vendor, which takes an idempotency key in a header."""

    key = "key_lab"
    title = "Key lab"
    idempotency = Idempotency.HEADER

    @override
    def submit(self, request: JobRequest, key: str | None) -> Flow[str]:
        call = Call(
            name="order",
            path="/order",
            headers={"Idempotency-Key": key or ""},
            body=json_body(request.to_vendor() | {"id": None, "key": key}),
            buys=True,
        )
        return str(self.read(call, (yield call))["id"])


class CancelLab(Lab):
    """The same vendor, which cancels a job on request."""

    key = "cancel_lab"
    title = "Cancel lab"

    @override
    def cancel(self, operation: str, job_id: str) -> Flow[bool]:
        path = path_of("/orders/{job_id}", job_id=job_id)
        call = Call(name="cancel", path=path, method="DELETE", accepts=(409,), needs_body=False)
        body = self.read(call, (yield call))
        return bool(body.get("cancelled", True))


VENDORS = {vendor.key: vendor for vendor in (Lab, BatchLab, OwnIdLab, KeyLab, CancelLab)}


Script = Callable[[Call], Any]


class ScriptedTransport(Transport):
    """Plays flows as the real one does, but a script answers: with JSON, or by raising."""

    def __init__(self, vendor: Vendor, script: Script, latency: float = 0.0) -> None:
        super().__init__(vendor, rate_limit=RateLimit(None))
        self.script = script
        self.latency = latency
        self.calls: list[Call] = []

    @override
    def _send(self, call: Call, before_send: Callable[[], object] | None = None) -> Answer:
        if before_send is not None:
            before_send()
        self.calls.append(call)
        return Answer(200, {}, json_body(self.script(call)))

    @override
    async def _asend(self, call: Call) -> Answer:
        await asyncio.sleep(self.latency)
        return self._send(call)
