# SPDX-License-Identifier: Apache-2.0
"""Inputs in the user's own storage: by a URL that is signed when a job is bought, and only then."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.airflow_compat import AirflowFailException
from airflow_provider_videoai.files.locations import FileLocation
from airflow_provider_videoai.jobs.errors import InvalidRequest, JobFailed, StorageFailed
from airflow_provider_videoai.jobs.submission.fingerprint import fingerprint_of
from airflow_provider_videoai.operators.topview import TopviewVideoAvatarOperator
from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator
from airflow_provider_videoai.uploads.signed_inputs import signed_inputs
from airflow_provider_videoai.vendors.viitor import TextRemovalRequest
from tests.support.cases import CASES, Case
from tests.support.stores import Store
from tests.support.tasks import StateStore

pytestmark = pytest.mark.usefixtures("prompt")
WITH_INPUTS = [name for name, case in CASES.items() if case.operator.request_class.inputs()]
SIGNATURE = ("signature=", "x-amz-", "awsaccesskeyid")
REGION: dict[str, Any] = {"task_name": "clip", "full_erase_roi": [[0, 0, 9, 9]]}


@pytest.fixture
def stored(s3_store: Store, sample: Callable[..., Path]) -> Callable[[Case], dict[str, Any]]:
    """Put a case's input into a private bucket; returns the field that names it there."""

    def stored(case: Case) -> dict[str, Any]:
        (field,) = case.operator.request_class.inputs()
        name = "speech.mp3" if "audio" in field else "clip.mp4"
        s3_store.put(name, sample(name).read_bytes())
        others = {"input_ssml": None} if "input_ssml" in case.fields else {}
        return {field: f"{s3_store.root}/{name}", **others}

    return stored


@pytest.fixture
def said_by_the_task(
    everything_said: Any,  # noqa: ARG001 - its levels
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> Callable[[], str]:
    """Return all that was logged but by the vendor and the store, which run in this process and log their requests."""

    def said() -> str:
        logged = [record.getMessage() for record in caplog.records if record.name.startswith("airflow")]
        printed = [line for line in "".join(capfd.readouterr()).splitlines() if "werkzeug" not in line]
        return "\n".join([*logged, *printed])

    return said


def delete(url: str) -> None:
    place = FileLocation.find("url", url)
    place.fs.rm(place.path)


def test_every_vendor_that_fetches_a_url_is_among_them() -> None:
    assert WITH_INPUTS == ["viitor", "aidge", "cdnetworks_pull", "tencent_video"]


@pytest.mark.parametrize("case", WITH_INPUTS, indirect=True)
def test_the_vendor_fetches_a_private_object_and_nobody_else_learns_how(
    case: Case, task: Any, bought: Any, stored: Any, said_by_the_task: Any
) -> None:
    made = task(case, **stored(case))
    operators: list[Any] = []
    make = made.make

    def noted() -> Any:
        operators.append(make())
        return operators[-1]

    made.make = noted
    result = made.run()
    assert [result["job_id"]] == bought(case)
    assert result["state"] == "succeeded"
    kept = json.dumps([dict(made.store.values), list(made.ti.xcoms.values())])
    deferred = [deferral.trigger.serialize() for deferral in made.deferrals]
    rendered = [getattr(operator, name) for operator in operators for name in operator.template_fields]
    seen = f"{said_by_the_task()} {kept} {deferred} {made.events} {rendered} {result}".lower()
    assert "submitted" in seen
    assert "s3://my_s3@results/clips/" in seen
    assert [mark for mark in SIGNATURE if mark in seen] == []


def test_the_same_object_without_a_signature_is_out_of_the_vendors_reach(
    cases: Any, task: Any, stored: Any, s3_server: str
) -> None:
    stored(cases["viitor"])
    with pytest.raises(JobFailed):
        task(cases["viitor"], url=f"{s3_server}/results/clips/clip.mp4").run()


def test_the_path_is_the_request_and_not_the_signature(
    cases: Any, task: Any, bought: Any, settled: Any, stored: Any, sandbox: Any
) -> None:
    case, fields = cases["viitor"], stored(cases["viitor"])
    crashed = task(case, **fields)
    crashed.defer()
    request = TextRemovalRequest.parse(case.request(sandbox, **fields)).to_vendor()
    assert request["url"] == fields["url"]
    expected = fingerprint_of("viitor", "viitor_default", "text_removal", request)
    assert crashed.store.get("videoai_submission")["fingerprint"] == expected
    settled(case)
    delete(fields["url"])  # what finds its job needs the object no more
    assert [task(case, store=crashed.store, **fields).run()["job_id"]] == bought(case)
    task(case, store=crashed.store, **fields).run()
    assert len(bought(case)) == 1


def test_a_missing_object_is_found_before_anything_is_bought(
    cases: Any, task: Any, bought: Any, s3_store: Store
) -> None:
    missing = task(cases["viitor"], url=f"{s3_store.root}/absent.mp4")
    with pytest.raises(InvalidRequest, match=r"url: there is no file at s3://my_s3@results/clips/absent\.mp4") as lost:
        missing.run()
    assert isinstance(lost.value, AirflowFailException)
    assert (missing.store.get("videoai_submission"), bought(cases["viitor"])) == (None, [])


def test_a_missing_connection_is_named_and_worth_a_retry(cases: Any, task: Any, bought: Any, stored: Any) -> None:
    url = stored(cases["viitor"])["url"]
    with pytest.raises(StorageFailed, match=r"url: s3://nosuch@results/.* an Airflow connection that exists") as lost:
        task(cases["viitor"], url=url.replace("my_s3", "nosuch")).run()
    assert not isinstance(lost.value, AirflowFailException)
    with pytest.raises(StorageFailed, match=r"url: s3://results/.* an Airflow connection that exists"):
        task(cases["viitor"], url=url.replace("my_s3@", ""), input_conn_id="nosuch").run()
    assert bought(cases["viitor"]) == []


def test_a_url_without_a_connection_takes_the_operators(cases: Any, task: Any, bought: Any, stored: Any) -> None:
    url = stored(cases["viitor"])["url"].replace("my_s3@", "")
    assert [task(cases["viitor"], url=url, input_conn_id="my_s3").run()["job_id"]] == bought(cases["viitor"])


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        (
            "file:///clips/a.mp4",
            "must be an http:// or https:// URL that the vendor can fetch, or the URL of an object",
        ),
        ("/clips/a.mp4", "must be an http:// or https:// URL that the vendor can fetch, or the URL of an object"),
        ("s3://my_s3@bucket", "must name an object in its bucket: s3://conn@bucket/key"),
        ("s3://my_s3@/a.mp4", "must name an object in its bucket: s3://conn@bucket/key"),
        ("S3://bucket/folder/", "must name an object in its bucket: s3://conn@bucket/key"),
    ],
)
def test_what_cannot_be_signed_is_refused_when_the_dag_is_parsed(url: str, rule: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ViiTorTextRemovalOperator(task_id="clean", url=url, **REGION)
    assert f"url: {rule}" in refused.value.message
    assert f"given: '{url.replace('my_s3@', '')}'" in refused.value.message


def test_an_operator_that_fetches_no_url_takes_no_connection_for_one() -> None:
    with pytest.raises(InvalidRequest, match="input_conn_id: must be left out: video_avatar fetches no URL"):
        TopviewVideoAvatarOperator(
            task_id="speak", avatar_source_from=0, audio_source_from=0, input_conn_id="my_s3", video_file="a.mp4"
        )
    with pytest.raises(InvalidRequest, match="input_conn_id: must be the id of an Airflow connection"):
        ViiTorTextRemovalOperator(task_id="clean", url="s3://b/a.mp4", input_conn_id="", **REGION)


@pytest.mark.parametrize(
    ("job_timeout", "seconds"),
    [
        ({}, 86_400),
        ({"job_timeout": timedelta(days=3)}, 3 * 86_400),
        ({"job_timeout": timedelta(days=30)}, 7 * 86_400),
        ({"job_timeout": 60}, 3600),
    ],
)
def test_a_signature_lives_as_long_as_the_job_may(
    cases: Any, task: Any, stored: Any, monkeypatch: pytest.MonkeyPatch, job_timeout: dict[str, Any], seconds: int
) -> None:
    fields = stored(cases["viitor"])
    fs = FileLocation.find("url", fields["url"]).fs
    sign, asked = type(fs).sign, []

    def noted(self: Any, path: str, expiration: int) -> str:
        asked.append(expiration)
        return str(sign(self, path, expiration=expiration))

    monkeypatch.setattr(type(fs), "sign", noted)
    task(cases["viitor"], **fields, **job_timeout).defer()
    assert asked == [seconds]


def test_a_submit_that_is_tried_again_is_signed_again(cases: Any, task: Any, sandbox: Any, stored: Any) -> None:
    sandbox.fault(vendor="viitor", call="submit", kind="http_500", times=1)
    waiting, store = stored(cases["viitor"]), StateStore()
    with pytest.raises(Exception, match="may have been bought"):
        task(cases["viitor"], store=store, **waiting).run()
    store.delete("videoai_submission")
    assert task(cases["viitor"], store=store, **waiting).run()["state"] == "succeeded"


@pytest.mark.parametrize("blocking", [True, False])
def test_a_hook_signs_as_well(
    cases: Any, bought: Any, settled: Any, stored: Any, sandbox: Any, *, blocking: bool
) -> None:
    case = cases["viitor"]
    request = case.request(sandbox, **stored(case))
    hook = case.hook()
    job_id = hook.submit(request) if blocking else asyncio.run(hook.asubmit(request))
    assert [job_id] == bought(case)
    settled(case)
    assert hook.status(job_id).state == "succeeded"


def test_a_request_that_nobody_signed_is_sent_to_no_vendor(cases: Any, bought: Any) -> None:
    transport = cases["viitor"].hook().transport
    request = TextRemovalRequest.parse({"url": "s3://my_s3@results/a.mp4", **REGION})
    with pytest.raises(InvalidRequest, match="url: an object in a store must be signed first; nothing was sent"):
        transport.run(transport.vendor.buy(request, None))
    assert bought(cases["viitor"]) == []


def test_a_request_without_such_inputs_stays_what_it_is() -> None:
    request = TextRemovalRequest.parse({"url": "https://host/a.mp4", **REGION})
    assert signed_inputs(request) is request
