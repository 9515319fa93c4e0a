# SPDX-License-Identifier: Apache-2.0
"""One task, attempt after attempt, against one store and one vendor; each may fail at any point."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from airflow_provider_videoai.jobs.errors import SubmitUncertain
from airflow_provider_videoai.jobs.protocol.call import Call
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from airflow_provider_videoai.jobs.request import JobRequest
from airflow_provider_videoai.jobs.submission.record import PLACE, SubmissionRecord
from airflow_provider_videoai.jobs.submission.record_store import load
from airflow_provider_videoai.jobs.submission.submitter import SubmittedJob, Submitter
from tests.jobs.polling.lab import NOW, Order, ScriptedTransport


class CrashError(BaseException):
    """The worker dies: no handler of the program sees it."""


class Store:
    """Keeps JSON; dies at the n-th write where told to, before or after it is kept; may refuse to keep a phase."""

    lasting = True
    place = PLACE

    def __init__(self, journal: list[str]) -> None:
        self.kept: dict[str, Any] = {}
        self.journal = journal
        self.dies_at: int | None = None
        self.too_late = False
        self.refuses: str | None = None

    def get(self, key: str) -> Any:
        return self.kept.get(key)

    def set(self, key: str, value: Any) -> None:
        if value["phase"] == self.refuses:
            raise ConnectionError("the store cannot be reached")
        self.dies_at = None if self.dies_at is None else self.dies_at - 1
        if self.dies_at == 0 and not self.too_late:
            raise CrashError
        self.kept[key] = json.loads(json.dumps(value))
        self.journal.append(value["phase"])
        if self.dies_at == 0:
            raise CrashError

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, event: str, /, *args: Any) -> None:
        self.lines.append(event % args)

    warning = info


class Shop:
    """The vendor's side: keeps what was ordered, and answers as told."""

    def __init__(self, journal: list[str]) -> None:
        self.journal = journal
        self.orders: list[str] = []
        self.states: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        """Idempotency key -> the job that the first submit under it made."""
        self.fate: Callable[[], Any] = dict
        self.gone = False

    def __call__(self, call: Call) -> Any:
        body = json.loads(call.body)
        if call.name == "fetch":
            return {"code": 5} if self.gone else {"code": 0, "url": "http://media.test/a.mp4"}
        if call.name == "look":
            self.journal.append(f"look {body['operation']}")
            known = [each for each in body["ids"] if each in self.states]
            return {"code": 0, "jobs": [{"id": each, "state": self.states[each]} for each in known]}
        self.journal.append("order")
        return self._order(body)

    def _order(self, body: Any) -> Any:
        answer = self.fate()  # refuses with a code, or raises before the order is taken
        if answer.get("code"):
            return answer
        job_id = body["id"] or self.keys.get(body.get("key"), f"job-{len(self.orders) + 1}")
        if key := body.get("key"):
            self.keys[key] = job_id
        if job_id not in self.states:
            self.orders.append(job_id)
            self.states[job_id] = "running"
        if answer.get("lost"):
            raise SubmitUncertain("Lab order was sent and its answer was lost: the job may have been bought")
        return {"code": 0, "id": job_id}


class Desk:
    """One task: its store, its vendor, and attempt after attempt."""

    def __init__(self, vendor: Vendor) -> None:
        self.journal: list[str] = []
        self.store, self.lab, self.log = Store(self.journal), Shop(self.journal), Log()
        self.transport = ScriptedTransport(vendor, self.lab)
        self.request: JobRequest = Order(film="sunset")
        self.now = NOW
        self.naps: list[float] = []

    def attempt(self, **options: Any) -> SubmittedJob:
        given: dict[str, Any] = {"clock": lambda: self.now, "sleep": self.naps.append} | options
        self.submitter = Submitter(transport=self.transport, store=self.store, log=self.log, **given)
        return self.submitter.obtain(self.request)

    def with_request(self, request: JobRequest) -> Desk:
        self.request = request
        return self

    @property
    def record(self) -> SubmissionRecord:
        record = load(self.store)
        assert record is not None
        return record


FATES: dict[str, Callable[[], Any]] = {
    "accepted": dict,
    "refused": lambda: {"code": 4},
    "lost": lambda: {"lost": True},
}
