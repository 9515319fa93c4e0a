# SPDX-License-Identifier: Apache-2.0
"""What can befall a job: each kind of round, what it does, and what may come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from airflow_provider_videoai import registry

VENDORS = tuple(registry.VENDORS)

NAMES_ITS_JOBS = ("cdnetworks",)
"""Vendors that can be queried for a job by an id that we chose: there a lost answer is never uncertain."""

ANSWER_TIMEOUT = 12
"""Seconds that the connections allow for an answer."""
_ANSWER_SLOW = 9
_ANSWER_LOST = ANSWER_TIMEOUT + 4


class Deed(StrEnum):
    """What a user does to the task of a round."""

    NOTHING = "nothing"
    CLEAR = "clear"
    FAIL = "mark failed, clear"
    SUCCEED = "mark success, clear"
    FAIL_RUN = "mark run failed, clear"


class When(StrEnum):
    """When the user does it."""

    SUBMITTING = "submitting"
    WAITING = "waiting"
    ENDED = "ended"


class Storm(StrEnum):
    """What befalls all of Airflow, and every round in flight."""

    TRIGGERER_KILLED = "triggerer killed while waiting"
    AIRFLOW_KILLED = "all of Airflow killed"
    AIRFLOW_STOPPED = "all of Airflow restarted"
    API_SERVER_KILLED = "API server killed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of round. ``uncertain``: an answer is lost, or can no longer be known to have come.

    ``bought`` is how many jobs the user knowingly requests; ``fault`` strikes the submit or its job, ``poll_fault``
    the status requests for the job.
    """

    name: str
    step: str = "none"
    evict: bool = False
    conf: Mapping[str, Any] = field(default_factory=dict)
    fault: Mapping[str, Any] | None = None
    poll_fault: Mapping[str, Any] | None = None
    deed: Deed = Deed.NOTHING
    when: When = When.WAITING
    storm: Storm | None = None
    waits: bool = False
    """Whether what befalls all rounds at once falls on it while it waits."""
    uncertain: bool = False
    bought: int = 1
    error: str | None = None
    """The error that ends it before the user clears the task."""
    relisted: bool = False
    """Whether the user changes the list of a batch before the task is cleared."""

    def may_be_uncertain(self, vendor: str) -> bool:
        """Whether such a round may end in ``SubmitUncertain``."""
        return self.uncertain and vendor not in NAMES_ITS_JOBS


_STEPS = (
    ("before the record", "before_record", False),
    ("after the record", "after_record", True),
    ("request sent", "request_sent", True),
    ("answer arriving", "answer_arriving", True),
    ("before the job id is recorded", "before_job_id_recorded", True),
    ("after the job id is recorded", "after_job_id_recorded", False),
    ("before the deferral", "before_deferral", False),
    ("during the deferral", "during_deferral", False),
    ("resuming", "resuming", False),
    ("before the end is recorded", "before_end_recorded", False),
    ("after the end is recorded", "after_end_recorded", False),
)

KILLS = [Kind(name=f"killed: {name}", step=step, uncertain=lost) for name, step, lost in _STEPS] + [
    Kind(name=f"worker lost: {name}", step=step, uncertain=lost, evict=True)
    for name, step, lost in _STEPS
    if step in ("request_sent", "after_job_id_recorded", "during_deferral", "resuming")
]


def _submit(name: str, *, uncertain: bool = False, **fault: Any) -> Kind:
    return Kind(name=f"submit: {name}", fault={"call": "submit", **fault}, uncertain=uncertain)


SUBMITS = [
    _submit("HTTP 500", kind="http_500", uncertain=True),
    _submit("HTML 502", kind="html_502", uncertain=True),
    _submit("garbage", kind="garbage", uncertain=True),
    _submit("connection reset", kind="reset", uncertain=True),
    _submit("half an answer", kind="truncated", uncertain=True),
    _submit("answer dropped", kind="accept_then_drop", uncertain=True),
    _submit("stalled for good", kind="stall", seconds=_ANSWER_LOST, uncertain=True),
    _submit("stalled", kind="stall", seconds=_ANSWER_SLOW),
    _submit("429 with Retry-After", kind="rate_limited", retry_after=3, times=2),
    _submit("queue full", kind="quota_full"),
    Kind(
        name="submit: answer dropped, user resubmits",
        fault={"call": "submit", "kind": "accept_then_drop"},
        conf={"on_uncertain_submit": "resubmit"},
        bought=2,
    ),
]

POLLS = [
    Kind(name=f"poll: {name}", poll_fault={"call": "query", "times": 3, **fault})
    for name, fault in (
        ("HTTP 500", {"kind": "http_500"}),
        ("HTML 502", {"kind": "html_502"}),
        ("garbage", {"kind": "garbage"}),
        ("connection reset", {"kind": "reset"}),
        ("half an answer", {"kind": "truncated"}),
        ("stalled for good", {"kind": "stall", "seconds": _ANSWER_LOST, "times": 1}),
        ("429 with Retry-After", {"kind": "rate_limited", "retry_after": 5, "times": 1}),
    )
] + [
    Kind(
        name="poll: credentials refused, then cleared",
        poll_fault={"call": "query", "kind": "auth_failed", "times": 1},
        error="AuthenticationFailed",
    ),
]

DEEDS = [
    Kind(name="cleared while waiting", deed=Deed.CLEAR),
    Kind(name="marked failed while waiting, cleared", deed=Deed.FAIL),
    Kind(name="marked success while waiting, cleared", deed=Deed.SUCCEED),
    Kind(name="run marked failed while waiting, cleared", deed=Deed.FAIL_RUN),
    Kind(name="cleared after success", deed=Deed.CLEAR, when=When.ENDED),
    Kind(
        name="cleared after success, another job wanted",
        deed=Deed.CLEAR,
        when=When.ENDED,
        conf={"on_finished_job": "resubmit"},
        bought=2,
    ),
    *(
        Kind(
            name=f"{name} while submitting{cleared}",
            deed=deed,
            when=When.SUBMITTING,
            fault={"call": "submit", "kind": "stall", "seconds": _ANSWER_SLOW},
            uncertain=True,
        )
        for name, deed, cleared in (
            ("cleared", Deed.CLEAR, ""),
            ("marked failed", Deed.FAIL, ", cleared"),
            ("run marked failed", Deed.FAIL_RUN, ", cleared"),
        )
    ),
    Kind(name="vendor fails the job, retried", fault={"call": "submit", "kind": "fail_job"}, bought=2),
    Kind(name="vendor aborts the job, retried", fault={"call": "submit", "kind": "abort_job"}, bought=2),
]

SINGLE = [*KILLS, *SUBMITS, *POLLS, *DEEDS]


# -- batches: a fault strikes at one of the items, and ``bought`` is how many jobs are requested for that one ----------


def _amid(name: str, step: str, *, at: int = 2, uncertain: bool = False, **more: Any) -> Kind:
    """Kill a batch's process when a thread comes to a step for the ``at``-th time, in either worker segment."""
    conf = {"at": at, "resumed": more.pop("resumed", False)}
    return Kind(name=f"batch killed: {name}", step=step, conf=conf, uncertain=uncertain, **more)


def _item(name: str, kind: str, *, uncertain: bool = False, **fault: Any) -> Kind:
    return Kind(name=f"batch: {name}", fault={"call": "submit", "kind": kind, **fault}, uncertain=uncertain)


_AMID_SUBMITS = [
    _amid("amid submits, before a record", "before_record", uncertain=True),
    _amid("amid submits, after a record", "after_record", uncertain=True),
    _amid("amid submits, a request sent", "request_sent", uncertain=True),
    _amid("amid submits, an answer arriving", "answer_arriving", uncertain=True),
    _amid("amid submits, before a job id is recorded", "before_job_id_recorded", uncertain=True),
    _amid("amid submits, after a job id is recorded", "after_job_id_recorded", uncertain=True),
    _amid("amid the next submits, a request sent", "request_sent", uncertain=True, resumed=True),
    _amid("worker lost amid submits", "request_sent", uncertain=True, evict=True),
]
_AMID_THE_REST = [
    _amid("before the deferral", "before_deferral", at=1),
    _amid("during the deferral", "during_deferral", at=1),
    _amid("resuming", "resuming", at=1),
    _amid("amid copies", "before_copy"),
    _amid("amid copies, before a sidecar", "before_sidecar"),
    _amid("before ends are recorded", "before_ends_recorded", at=1),
    _amid("after ends are recorded", "after_ends_recorded", at=1),
]
_ANSWERS = [
    _item("an answer dropped", "accept_then_drop", uncertain=True),
    _item("an answer of HTTP 500", "http_500", uncertain=True),
    _item("half an answer", "truncated", uncertain=True),
    _item("a submit reset", "reset", uncertain=True),
    _item("an answer stalled", "stall", seconds=_ANSWER_SLOW),
    _item("429 with Retry-After", "rate_limited", retry_after=3, times=2),
    _item("queue full", "quota_full"),
    Kind(
        name="batch: credentials refused, then cleared",
        fault={"call": "submit", "kind": "auth_failed"},
        error="AuthenticationFailed",
    ),
    Kind(
        name="batch: an answer dropped, user resubmits",
        fault={"call": "submit", "kind": "accept_then_drop"},
        conf={"on_uncertain_submit": "resubmit"},
        bought=2,
    ),
]
_POLLED = [
    Kind(name="batch: polls answered HTTP 500", poll_fault={"call": "query", "kind": "http_500", "times": 3}),
    Kind(name="batch: polls answered garbage", poll_fault={"call": "query", "kind": "garbage", "times": 3}),
]
_FAILED = [
    Kind(name="batch: vendor fails a job, retried", fault={"call": "submit", "kind": "fail_job"}, bought=2),
    Kind(name="batch: vendor aborts a job, retried", fault={"call": "submit", "kind": "abort_job"}, bought=2),
    Kind(
        name="batch: vendor fails a job thrice, cleared",
        fault={"call": "submit", "kind": "fail_job", "times": 3},
        error="BatchFailed",
        bought=4,
    ),
]
_CLEARED = [
    Kind(
        name="batch: cleared while submitting",
        deed=Deed.CLEAR,
        when=When.SUBMITTING,
        fault={"call": "submit", "kind": "stall", "seconds": _ANSWER_SLOW},
        uncertain=True,
    ),
    Kind(name="batch: cleared while waiting", deed=Deed.CLEAR),
    Kind(name="batch: marked failed while waiting, cleared", deed=Deed.FAIL),
    Kind(name="batch: cleared after success", deed=Deed.CLEAR, when=When.ENDED),
]
_RELISTED = [
    Kind(name="batch: cleared while waiting, list changed", deed=Deed.CLEAR, relisted=True, bought=2),
    Kind(
        name="batch: cleared after success, list changed",
        deed=Deed.CLEAR,
        when=When.ENDED,
        relisted=True,
        bought=2,
    ),
]

BATCHES = (_AMID_SUBMITS, _RELISTED, _ANSWERS, _AMID_THE_REST, _FAILED, _CLEARED, _POLLED)
"""What befalls batches, in groups: a small run plays one of each."""

STORMS = [
    Kind(
        name=storm,
        storm=storm,
        waits=storm is Storm.TRIGGERER_KILLED,
        uncertain=storm is not Storm.TRIGGERER_KILLED,
    )
    for storm in (Storm.TRIGGERER_KILLED, Storm.AIRFLOW_KILLED, Storm.AIRFLOW_STOPPED, Storm.API_SERVER_KILLED)
]
