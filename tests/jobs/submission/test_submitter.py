# SPDX-License-Identifier: Apache-2.0
"""A task's attempts against one store: how many jobs are bought, and what the user is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    ContentRejected,
    InvalidRequest,
    JobFailed,
    JobNotFound,
    QuotaExceeded,
    SubmitRejected,
    SubmitUncertain,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.model import JobState
from airflow_provider_videoai.jobs.protocol.call import json_body
from airflow_provider_videoai.jobs.submission.record import STORE_KEY, Phase
from airflow_provider_videoai.jobs.submission.record_store import conclude, hand_over
from airflow_provider_videoai.jobs.submission.submitter import GONE_AGAIN_AFTER, SubmittedJob, Submitter
from tests.jobs.polling.lab import NOW
from tests.jobs.submission.desk import Desk, Log, Store

# -- the order of effects --------------------------------------------------------------------------------------


def test_record_is_kept_before_the_request_leaves_and_after_it_was_answered(desk: Desk) -> None:
    assert desk.attempt() == SubmittedJob("job-1", NOW, fresh=True)
    assert desk.journal == ["submitting", "order", "submitted"]
    assert desk.record.job_id == "job-1"
    assert desk.record.submitted_at == NOW


def test_record_is_kept_before_any_byte_leaves(open_lab: Any, order: Any, server: Any) -> None:
    """The same over a real wire: the server looks into the store when the request arrives."""

    def behave(wire: Any) -> None:
        wire.read()
        seen.append(store.get(STORE_KEY)["phase"])
        wire.answer(json_body({"code": 0, "id": "job-1"}))

    seen: list[str] = []
    store = Store([])
    server.behave = behave
    transport = Transport(open_lab(host=server.url, conn_id="wire"))
    Submitter(transport=transport, store=store, log=Log()).obtain(order())
    assert seen == ["submitting"]
    assert len(server.requests) == 1


def test_record_holds_nothing_of_the_request_or_the_account(desk: Desk) -> None:
    desk.attempt()
    kept = json.dumps(desk.store.kept)
    assert not [secret for secret in ("sunset", "hunter2", "test_conn", "lab.test") if secret in kept]


def test_submit_is_told_in_one_line(desk: Desk) -> None:
    desk.attempt()
    assert desk.log.lines == ["Submitted develop job job-1 to Lab"]


# -- attach, reuse ---------------------------------------------------------------------------------------------


def test_later_attempt_attaches_after_one_look(desk: Desk) -> None:
    desk.attempt()
    desk.now += 500
    assert desk.attempt() == SubmittedJob("job-1", NOW, fresh=False)
    assert desk.lab.orders == ["job-1"]
    assert [call.name for call in desk.transport.calls] == ["order", "look"]
    assert "attaching" in desk.log.lines[-1]


def test_later_attempt_attaches_also_where_the_look_fails(desk: Desk) -> None:
    desk.attempt()
    desk.transport.script = lambda _: {"code": 6}
    assert desk.attempt() == SubmittedJob("job-1", NOW, fresh=False)
    assert desk.record.phase is Phase.SUBMITTED


@pytest.mark.parametrize("state", ["failed", "aborted"])
def test_job_that_failed_unseen_is_followed_by_a_new_one(desk: Desk, state: str) -> None:
    desk.attempt()
    desk.lab.states["job-1"] = state
    assert desk.attempt().job_id == "job-2"
    assert desk.record.generation == 1


@pytest.mark.parametrize("state", ["failed", "aborted"])
def test_job_that_failed_unseen_is_not_replaced_beyond_the_limit(desk: Desk, state: str) -> None:
    desk.attempt(paid_retries=0)
    desk.lab.states["job-1"] = state
    with pytest.raises(JobFailed, match="job-1"):
        desk.attempt(paid_retries=0)
    assert desk.record.phase is Phase.FAILED
    assert desk.attempt(paid_retries=0).job_id == "job-2", "whoever starts the task again after that wants another"


def test_job_that_goes_on_is_attached_to_with_what_the_vendor_just_said(desk: Desk) -> None:
    desk.attempt()
    job = desk.attempt()
    assert job.status is not None
    assert job.status.state is JobState.RUNNING


def test_job_that_succeeded_unseen_is_used_with_what_the_vendor_just_said(desk: Desk) -> None:
    desk.attempt()
    desk.lab.states["job-1"] = "succeeded"
    job = desk.attempt()
    assert (job.job_id, job.fresh) == ("job-1", False)
    assert job.status is not None
    assert job.status.media_url


def test_job_that_was_handed_over_and_succeeded_counts_as_finished(desk: Desk) -> None:
    desk.attempt()
    hand_over(desk.store)
    desk.lab.states["job-1"] = "succeeded"
    assert desk.attempt().job_id == "job-1"
    assert desk.record.phase is Phase.FINISHED
    hand_over(desk.store)
    assert desk.attempt(on_finished_job="resubmit").job_id == "job-2"


def test_job_that_succeeded_unseen_is_delivered_before_another_is_bought(desk: Desk) -> None:
    desk.attempt(on_finished_job="resubmit")
    desk.lab.states["job-1"] = "succeeded"
    assert desk.attempt(on_finished_job="resubmit").job_id == "job-1"
    conclude(desk.store, failed=False)
    assert desk.attempt(on_finished_job="resubmit").job_id == "job-2"


def test_finished_job_is_reused(desk: Desk) -> None:
    desk.attempt()
    conclude(desk.store, failed=False)
    desk.lab.states["job-1"] = "succeeded"
    assert desk.attempt() == SubmittedJob("job-1", NOW, fresh=False)
    assert desk.lab.orders == ["job-1"]


def test_finished_job_is_bought_again_where_the_user_wants_it_once(desk: Desk) -> None:
    desk.attempt()
    conclude(desk.store, failed=False)
    for _ in range(2):
        assert desk.attempt(on_finished_job="resubmit").job_id == "job-2"
    assert desk.record.generation == 1
    assert "on_finished_job" in " ".join(desk.log.lines)


@pytest.mark.parametrize("how", ["forgotten", "thrown away"])
def test_finished_job_whose_media_is_gone_is_bought_again(desk: Desk, how: str) -> None:
    desk.attempt()
    conclude(desk.store, failed=False)
    desk.lab.states["job-1"] = "succeeded"
    if how == "forgotten":
        del desk.lab.states["job-1"]
    desk.lab.gone = True
    assert desk.attempt() == SubmittedJob("job-2", NOW, fresh=True)
    assert desk.record.generation == 1
    assert "media is gone" in " ".join(desk.log.lines)
    assert desk.naps == [*GONE_AGAIN_AFTER], "one odd answer buys nothing"


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("oddly", [{"code": 0, "jobs": []}, {"code": 5}], ids=["unknown", "thrown away"])
def test_finished_job_that_is_gone_only_for_a_while_is_not_bought_again(desk: Desk, times: int, oddly: Any) -> None:
    desk.attempt()
    conclude(desk.store, failed=False)
    desk.lab.states["job-1"] = "succeeded"
    odd = [oddly] * times
    desk.transport.script = lambda call: odd.pop() if odd else desk.lab(call)
    assert desk.attempt().job_id == "job-1"
    assert desk.lab.orders == ["job-1"]


@pytest.mark.parametrize(
    ("code", "kind"), [(1, JobNotFound), (3, AuthenticationFailed), (6, VendorUnavailable), (2, QuotaExceeded)]
)
def test_status_call_that_fails_is_no_proof_that_the_media_is_gone(
    desk: Desk, code: int, kind: type[VideoAIError]
) -> None:
    desk.attempt()
    conclude(desk.store, failed=False)
    desk.transport.script = lambda _: {"code": code}
    with pytest.raises(kind):
        desk.attempt()
    desk.transport.script = desk.lab
    desk.lab.states["job-1"] = "succeeded"
    assert desk.attempt().job_id == "job-1"
    assert desk.lab.orders == ["job-1"]


def test_job_that_failed_is_followed_by_a_new_one(desk: Desk) -> None:
    desk.attempt()
    conclude(desk.store, failed=True)
    assert desk.attempt() == SubmittedJob("job-2", NOW, fresh=True)


def test_changed_request_buys_a_new_job(desk: Desk, order: Any) -> None:
    desk.attempt()
    assert desk.with_request(order("sunrise")).attempt().job_id == "job-2"
    assert desk.attempt().job_id == "job-2"
    assert "changed" in " ".join(desk.log.lines)


def test_job_is_asked_for_as_the_request_wants_to_be_polled(desk: Desk, reprint: Any) -> None:
    desk.with_request(reprint()).attempt()
    conclude(desk.store, failed=False)
    desk.attempt()
    assert desk.journal[-1] == "look reprint:large"


# -- refused, never sent ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1, SubmitRejected),
        (2, QuotaExceeded),
        (3, AuthenticationFailed),
        (4, ContentRejected),
        (6, SubmitRejected),
        (99, SubmitRejected),
    ],
)
def test_refused_submit_leaves_the_next_attempt_free(desk: Desk, code: int, kind: type[VideoAIError]) -> None:
    desk.lab.fate = lambda: {"code": code}
    for _ in range(3):
        with pytest.raises(kind):
            desk.attempt()
    desk.lab.fate = dict
    assert desk.attempt().fresh
    assert len(desk.lab.orders) == 1
    assert (desk.record.generation, desk.record.bought) == (0, 1)


@pytest.mark.parametrize(
    "never_sent",
    [VendorUnavailable("no connection: nothing was sent, nothing was bought"), InvalidRequest("auth_scheme: odd")],
    ids=lambda error: type(error).__name__,
)
def test_submit_that_never_left_leaves_the_next_attempt_free(desk: Desk, never_sent: VideoAIError) -> None:
    def fail() -> Any:
        raise never_sent

    desk.lab.fate = fail
    with pytest.raises(type(never_sent)):
        desk.attempt()
    desk.lab.fate = dict
    assert desk.attempt().fresh


def test_unexpected_error_of_a_submit_is_uncertain_at_once_and_later(desk: Desk) -> None:
    """A defect after the purchase must not read as "nothing was bought"."""
    desk.lab.fate = lambda: {"code": 0, "lost": 1}
    desk.transport.script = lambda call: desk.lab(call) if call.name == "look" else {"code": 0}  # no "id": a KeyError
    for said in ("KeyError", "cut short"):
        with pytest.raises(SubmitUncertain, match=rf"{said}.*may have been bought.*console"):
            desk.attempt()
    assert len(desk.transport.calls) == 1


def test_request_that_cannot_be_written_is_refused_before_the_record_says_submitting(desk: Desk, order: Any) -> None:
    desk.with_request(order().model_copy(update={"film": "\ud800"}))
    for _ in range(2):
        with pytest.raises(InvalidRequest, match="a lone surrogate, which cannot be sent"):
            desk.attempt()
    assert (desk.store.kept, desk.transport.calls) == ({}, [])
    assert desk.with_request(order("sunrise")).attempt().fresh


# -- a store that fails ----------------------------------------------------------------------------------------


def test_record_that_cannot_be_written_is_followed_by_no_submit(desk: Desk) -> None:
    desk.store.refuses = Phase.SUBMITTING
    with pytest.raises(VideoAIError, match=r"record cannot be written.*cannot be reached.*nothing was bought"):
        desk.attempt()
    assert desk.transport.calls == []
    desk.store.refuses = None
    assert desk.attempt().fresh


def test_refusal_that_cannot_be_recorded_is_raised_and_the_next_attempt_stops(desk: Desk) -> None:
    desk.lab.fate = lambda: {"code": 4}
    desk.store.refuses = Phase.FAILED
    with pytest.raises(ContentRejected):
        desk.attempt()
    assert "Nothing was bought, but Airflow did not record that" in desk.log.lines[-1]
    with pytest.raises(SubmitUncertain):
        desk.attempt()
    desk.store.kept[STORE_KEY] = {"phase": "failed"}  # as the line says
    desk.lab.fate, desk.store.refuses = dict, None
    assert desk.attempt().fresh
