# SPDX-License-Identifier: Apache-2.0
"""An ordinary REST vendor: a Bearer key alone, no envelope, a path per job, HTTP statuses that mean what they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    InvalidRequest,
    JobNotFound,
    SubmitRejected,
    SubmitUncertain,
    VendorUnavailable,
)
from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.call import Answer, Call, Flow, json_body, path_of
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from airflow_provider_videoai.jobs.request import JobRequest
from tests.jobs.protocol.acme import NOW, Paint


class Rest(Vendor):
    key = "rest"
    title = "Rest"
    default_host = "https://rest.example.com"
    password_name = "password (the key)"
    login_required = False
    requests: ClassVar = {"paint": Paint}
    known_states = frozenset({"done"})
    errors: ClassVar = {}

    @property
    @override
    def auth(self) -> httpx.Auth:
        self.require_credentials()
        return httpx.BasicAuth("", self.account.password)

    @override
    def submit(self, request: JobRequest, key: str | None) -> Flow[str]:
        return str(self.read(SUBMIT, (yield SUBMIT))["id"])

    @override
    def statuses(self, operation: str, job_ids: Sequence[str]) -> Flow[dict[str, JobStatus]]:
        (job_id,) = job_ids
        call = Call(name="job", path=path_of("/v1/jobs/{job_id}", job_id=job_id), method="GET")
        self.read(call, (yield call))
        return {job_id: JobStatus(job_id=job_id, state=JobState.SUCCEEDED)}

    @override
    def probe(self) -> Flow[str]:
        yield STATUS
        return "fine"


SUBMIT = Call(name="create job", path="/v1/jobs", buys=True)
STATUS = Call(name="job", path="/v1/jobs/a", method="GET")
CANCEL = Call(name="cancel", path="/v1/jobs/a", method="DELETE", accepts=(409,), needs_body=False)


def rest(**changes: Any) -> Rest:
    given_: dict[str, Any] = {"conn_id": "rest_conn", "host": Rest.default_host, "login": "", "password": "k"}
    return Rest(Account(**given_ | changes), lambda: NOW)


def answer(status: int, body: Any = b"") -> Answer:
    return Answer(status, {}, body if isinstance(body, bytes) else json_body(body))


# -- without a judge ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 207])
@pytest.mark.parametrize("call", [SUBMIT, STATUS], ids=["submit", "status"])
def test_any_2xx_with_an_object_is_good(call: Call, status: int) -> None:
    assert rest().read(call, answer(status, {"id": "a"})) == {"id": "a"}


ERROR_BODIES = [
    {"error": {"code": "bad_height", "message": "height is odd"}},
    {"error": "height is odd", "code": "bad_height"},
    {"detail": "height is odd"},
    {"message": "height is odd"},
    {"title": "height is odd", "type": "bad_height"},
]


@pytest.mark.parametrize("body", ERROR_BODIES, ids=str)
@pytest.mark.parametrize("status", [400, 409, 422])
def test_refusal_shows_the_vendors_own_words(body: Any, status: int) -> None:
    with pytest.raises(SubmitRejected, match=rf"height is odd.*HTTP {status}.*Nothing was bought"):
        rest().read(SUBMIT, answer(status, body))


@pytest.mark.parametrize(
    ("call", "status", "error"),
    [
        (SUBMIT, 401, AuthenticationFailed),
        (STATUS, 401, AuthenticationFailed),
        (SUBMIT, 404, SubmitRejected),
        (STATUS, 404, JobNotFound),
        (STATUS, 410, JobNotFound),
        (SUBMIT, 425, SubmitRejected),
        (STATUS, 425, VendorUnavailable),
        (SUBMIT, 500, SubmitUncertain),
        (STATUS, 500, VendorUnavailable),
        (SUBMIT, 204, SubmitUncertain),
        (STATUS, 204, VendorUnavailable),
    ],
)
@pytest.mark.parametrize("body", [b"", {"detail": "no"}], ids=["bare", "with words"])
def test_status_decides(call: Call, status: int, error: type[Exception], body: Any) -> None:
    if body and status == 204:
        pytest.skip("a 204 has no body")
    with pytest.raises(error) as raised:
        rest().read(call, answer(status, body))
    assert type(raised.value) is error


def test_call_may_accept_further_statuses_and_answers_without_a_body() -> None:
    for good in (answer(204), answer(200), answer(409, {"detail": "over"}), answer(409)):
        rest().read(CANCEL, good)
    with pytest.raises(VendorUnavailable):
        rest().read(CANCEL, answer(423))


# -- a job that is unknown ------------------------------------------------------------------------------------


def test_404_for_a_job_is_an_answer_without_it() -> None:
    flow = rest().query("paint", ["a"])
    next(flow)
    with pytest.raises(StopIteration) as end:
        flow.send(answer(404, {"detail": "no such job"}))
    assert end.value.value == {}


def test_404_for_many_jobs_says_nothing_about_each() -> None:
    class Many(Rest):
        @override
        def statuses(self, operation: str, job_ids: Sequence[str]) -> Flow[dict[str, JobStatus]]:
            self.read(STATUS, (yield STATUS))
            return {}

    flow = Many(rest().account, lambda: NOW).query("paint", ["a", "b"])
    next(flow)
    with pytest.raises(JobNotFound):
        flow.send(answer(404))


# -- credentials ----------------------------------------------------------------------------------------------


def test_bearer_key_needs_no_login() -> None:
    assert rest().auth


def test_missing_key_is_named_and_a_login_is_not() -> None:
    with pytest.raises(AuthenticationFailed, match=r"has no password \(the key\); nothing was sent") as missing:
        _ = rest(password="").auth
    assert "login" not in str(missing.value)
    with pytest.raises(AuthenticationFailed, match=r"Check password \(the key\) of connection 'rest_conn'"):
        rest().read(STATUS, answer(401))


# -- paths ----------------------------------------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: text not in (".", "..")))
def test_job_id_never_changes_the_path(job_id: str) -> None:
    path = path_of("/v1/jobs/{job_id}/result", job_id=job_id)
    parts = urlsplit(f"https://h{path}")
    assert (parts.query, parts.fragment) == ("", "")
    before, jobs, quoted, after = parts.path.rsplit("/", 3)
    assert (before, jobs, unquote(quoted), after) == ("/v1", "jobs", job_id, "result")
    assert httpx.URL(f"https://h{path}").raw_path.decode() == path
    assert Call(name="job", path=path).path == path


@pytest.mark.parametrize("job_id", ["", ".", "..", "\ud83d"], ids=ascii)
def test_what_no_path_can_hold_is_refused(job_id: str) -> None:
    with pytest.raises(InvalidRequest, match="job_id: must be"):
        path_of("/v1/jobs/{job_id}", job_id=job_id)


@pytest.mark.parametrize(
    "path",
    ["/v1/a?b=1", "/v1/a#b", "/v1/../account", "/v1/./a", "/v1/..", "/v1/a b", "/v1/%zz", "v1/a", "", "/v1/ü", "/a\n"],
)
def test_value_that_was_put_into_a_path_unquoted_is_refused(path: str) -> None:
    with pytest.raises(InvalidRequest, match="path must be percent-encoded"):
        Call(name="job", path=path)
