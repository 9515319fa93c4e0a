# SPDX-License-Identifier: Apache-2.0
"""A hook's calls: blocking and async alike, one job or many."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import InvalidRequest, JobFailed, JobNotFound, SubmitRejected
from airflow_provider_videoai.jobs.model import JobState


@pytest.fixture
def hook(case: Any, sandbox: Any) -> Any:  # noqa: ARG001 - its connection has to be there
    return case.hook(**{case.conn_argument: case.conn_id})


@pytest.fixture
def ended(settled: Any) -> Any:
    """Submit a case's request and wait until its job has ended."""

    def ended(hook: Any, case: Any, sandbox: Any) -> str:
        job_id = str(hook.submit(case.request(sandbox), case.operation))
        settled(case)
        return job_id

    return ended


def test_a_hook_is_made_with_its_connection_id_or_the_default(case: Any) -> None:
    assert case.hook().conn_id == f"{case.vendor}_default"
    named = case.hook(**{case.conn_argument: "another"})
    assert (named.conn_id, getattr(named, case.conn_argument)) == ("another", "another")


def test_a_request_may_be_its_fields_or_the_request_itself(case: Any, hook: Any, sandbox: Any, settled: Any) -> None:
    sandbox.fault(vendor=case.vendor, kind="fail_job", times=2)  # nothing is rendered for a job that is to fail
    fields = case.request(sandbox)
    first = hook.submit(fields, case.operation)
    settled(case)
    second = hook.submit(case.operator.request_class.parse(fields))
    requests = [entry["request"] for entry in sandbox.ledger(case.vendor)["submissions"]]
    for request in requests:
        request.pop("transNo", None)  # the job's name, ours or the vendor's
    assert requests[0] == requests[1]
    assert first != second


async def test_the_async_twins_agree_with_the_blocking_calls(case: Any, hook: Any, sandbox: Any, settled: Any) -> None:
    job_id = await hook.asubmit(case.request(sandbox), case.operation)
    await asyncio.to_thread(settled, case)
    statuses = hook.statuses([job_id], case.operation)
    status = hook.status(job_id, case.operation)
    assert status.state is JobState.SUCCEEDED
    assert stable((await hook.astatus(job_id, case.operation)).to_json()) == stable(status.to_json())
    assert (await hook.astatuses([job_id], case.operation)).keys() == statuses.keys() == {job_id}
    blocking = hook.result(job_id, case.operation).to_dict()
    assert stable((await hook.aresult(job_id, case.operation)).to_dict()) == stable(blocking)
    assert (blocking["state"], blocking["operation"]) == ("succeeded", case.operation)


def stable(seen: dict[str, Any]) -> dict[str, Any]:
    """Leave out what differs from one look to the next."""
    rest = {name: value for name, value in seen.items() if name not in ("finished_at", "media_url", "details")}
    media_url = seen["media_url"]
    outputs = [output | {"url": output["url"] and output["url"].partition("?")[0]} for output in seen["outputs"]]
    media_url = media_url and media_url.partition("?")[0]
    return rest | {"media_url": media_url, "outputs": outputs, "details": sorted(seen["details"])}


def test_the_result_of_a_job_that_goes_on_has_its_state_and_no_url(case: Any, hook: Any, sandbox: Any) -> None:
    sandbox.clock(queue_seconds=60)
    result = hook.result(hook.submit(case.request(sandbox), case.operation), case.operation)
    assert not result.state.terminal
    assert (result.media_url, result.finished_at) == (None, None)


def test_the_result_of_a_failed_job_is_an_error(case: Any, hook: Any, sandbox: Any, ended: Any) -> None:
    sandbox.fault(vendor=case.vendor, kind="fail_job")
    job_id = ended(hook, case, sandbox)
    assert hook.status(job_id, case.operation).state is JobState.FAILED
    with pytest.raises(JobFailed):
        hook.result(job_id, case.operation)


@pytest.mark.parametrize("case", ["viitor", "cdnetworks_trim", "topview", "tencent_video"], indirect=True)
def test_an_unknown_job_is_an_error_alone_and_missing_among_many(
    case: Any, hook: Any, sandbox: Any, ended: Any
) -> None:
    known = ended(hook, case, sandbox)
    with pytest.raises(JobNotFound, match=case.absent_id):
        hook.status(case.absent_id, case.operation)
    assert hook.statuses([case.absent_id, known], case.operation).keys() == {known}


def test_150_viitor_jobs_are_asked_for_in_two_requests(cases: Any, sandbox: Any) -> None:
    hook = cases["viitor"].hook()
    job_ids = [f"ViiTor_AI_{number}" for number in range(150)]
    assert hook.statuses([*job_ids, job_ids[0]]) == {}
    asked = [poll["job_ids"] for poll in sandbox.ledger("viitor")["polls"]]
    assert [len(batch) for batch in asked] == [100, 50]
    assert [job_id for batch in asked for job_id in batch] == job_ids


async def test_150_viitor_jobs_are_asked_for_in_two_async_requests(cases: Any, sandbox: Any) -> None:
    await cases["viitor"].hook().astatuses(f"ViiTor_AI_{number}" for number in range(150))
    assert len(sandbox.ledger("viitor")["polls"]) == 2


@pytest.mark.parametrize("wrong", ["", "two ids", 7, None])
def test_what_cannot_be_a_job_id_is_not_asked_for(wrong: Any, case: Any, hook: Any, sandbox: Any) -> None:
    with pytest.raises(InvalidRequest, match="job_id"):
        hook.status(wrong, case.operation)
    assert sandbox.ledger()["polls"] == []


def test_an_operation_that_the_vendor_has_not_is_told(case: Any, hook: Any, sandbox: Any) -> None:
    with pytest.raises(InvalidRequest, match="has no operation 'conjuring'"):
        hook.submit(case.request(sandbox), "conjuring")
    with pytest.raises(InvalidRequest, match="conjuring"):
        hook.statuses([case.absent_id], "conjuring")


def test_another_vendors_request_is_told(cases: Any, sandbox: Any) -> None:
    request = cases["topview"].operator.request_class.parse(cases["topview"].request(sandbox))
    with pytest.raises(InvalidRequest):
        cases["viitor"].hook().submit(request)
    assert sandbox.ledger()["submissions"] == []


def test_a_broken_rule_is_told_before_anything_is_sent(cases: Any, sandbox: Any) -> None:
    with pytest.raises(InvalidRequest, match="language"):
        cases["aidge"].hook().submit({"video_url": "https://host/a.mp4", "language": "fr"})
    assert sandbox.ledger()["submissions"] == []


def test_a_refusal_says_that_nothing_was_bought(cases: Any, sandbox: Any) -> None:
    case = cases["tencent_video"]
    with pytest.raises(SubmitRejected, match="Nothing was bought"):
        case.hook().submit(case.request(sandbox, virtualman_key="nobody"))
    assert sandbox.ledger()["charges"] == []


def test_a_connection_is_looked_up_once_a_hook_and_only_when_needed(
    cases: Any, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = cases["topview"].hook(topview_conn_id="comes_later")
    monkeypatch.setenv("AIRFLOW_CONN_COMES_LATER", sandbox.connections()["AIRFLOW_CONN_TOPVIEW_DEFAULT"])
    assert hook.statuses(["a1"]) == {}
    monkeypatch.delenv("AIRFLOW_CONN_COMES_LATER")
    assert hook.statuses(["a1"]) == {}


def test_the_connections_rate_is_kept(cases: Any, connect: Any) -> None:
    hook = cases["topview"].hook(topview_conn_id=connect("topview", extra={"max_requests_per_minute": 2}))
    slept: list[float] = []
    hook.transport._sleep = slept.append
    hook.statuses(["a1", "a2", "a3"])
    (seconds,) = slept
    assert 60 < seconds < 70


RUBBISH: list[Any] = [None, 5, b"abc", [], {}, "", "a b", "a\x00b", "\ud800", "x" * 501, object(), 10**5000]


@pytest.mark.parametrize("job_id", RUBBISH, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("name", ["status", "result", "astatus", "aresult"])
def test_what_is_no_job_id_is_refused(name: str, job_id: Any, cases: Any, sandbox: Any) -> None:
    with pytest.raises(InvalidRequest, match="job_id: must be a non-empty string without whitespace"):
        call(cases["topview"].hook(), name, job_id)
    assert sandbox.ledger()["polls"] == []


@pytest.mark.parametrize(
    "job_ids", ["abc", b"abc", 5, None, {"abc": 1}, 10**5000], ids=lambda value: type(value).__name__
)
@pytest.mark.parametrize("name", ["statuses", "astatuses"])
def test_what_is_no_list_of_job_ids_is_refused(name: str, job_ids: Any, cases: Any, sandbox: Any) -> None:
    with pytest.raises(InvalidRequest, match="job_ids: must be a list of job ids"):
        call(cases["topview"].hook(), name, job_ids)
    assert sandbox.ledger()["polls"] == []


@pytest.mark.parametrize("request_", [5, None, "abc", [], {5: 6}, object()], ids=lambda value: repr(value)[:9])
@pytest.mark.parametrize("name", ["submit", "asubmit"])
def test_what_is_no_request_is_refused(name: str, request_: Any, cases: Any, sandbox: Any) -> None:
    with pytest.raises(InvalidRequest, match="request"):
        call(cases["topview"].hook(), name, request_)
    assert sandbox.ledger()["submissions"] == []


@pytest.mark.parametrize("operation", ["nope", 5, [], {}, b"tts", "video_avatar:"], ids=repr)
@pytest.mark.parametrize("name", ["submit", "status", "statuses", "result", "asubmit", "astatus"])
def test_what_is_no_operation_is_refused(name: str, operation: Any, case: Any, sandbox: Any) -> None:
    given = {"submit": case.request(sandbox), "asubmit": case.request(sandbox), "statuses": ["ViiTor_AI_1"]}
    with pytest.raises(InvalidRequest, match="operation"):
        call(case.hook(), name, given.get(name, "ViiTor_AI_1"), operation)


@pytest.mark.parametrize("name", ["submit", "asubmit"])
def test_text_that_cannot_be_sent_is_refused(name: str, case: Any, sandbox: Any) -> None:
    fields = case.request(sandbox)
    spoiled = next(key for key, value in fields.items() if isinstance(value, str) and key != "language")
    with pytest.raises(InvalidRequest):
        call(case.hook(), name, fields | {spoiled: fields[spoiled] + "\ud800"}, case.operation)
    assert sandbox.ledger()["submissions"] == []


def call(hook: Any, name: str, *given: Any) -> Any:
    made = getattr(hook, name)(*given)
    return asyncio.run(made) if asyncio.iscoroutine(made) else made
