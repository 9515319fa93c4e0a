# SPDX-License-Identifier: Apache-2.0
"""An input that the vendor could not fetch is found before it is paid for, if the user wants it checked."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videoai.airflow_compat import AirflowFailException
from airflow_provider_videoai.jobs.errors import InvalidRequest, VendorUnavailable
from airflow_provider_videoai.operators.topview import TopviewVideoAvatarOperator
from tests.support.cases import CASES, Case
from tests.support.stores import Store

pytestmark = pytest.mark.usefixtures("prompt")
WITH_INPUTS = [name for name, case in CASES.items() if case.operator.request_class.inputs()]


def input_at(case: Case, url: str) -> dict[str, Any]:
    (field,) = case.operator.request_class.inputs()
    return {field: url, **({"input_ssml": None} if "input_ssml" in case.fields else {})}


@pytest.fixture
def viitor(cases: Any) -> Case:
    found: Case = cases["viitor"]
    return found


@pytest.mark.parametrize("case", WITH_INPUTS, indirect=True)
def test_every_vendors_input_is_tried(case: Case, task: Any, bought: Any, sandbox: Any) -> None:
    (field,) = case.operator.request_class.inputs()
    gone = task(case, check_inputs=True, **input_at(case, f"{sandbox.url}/sample/nosuch.mp4?token=secret"))
    with pytest.raises(InvalidRequest) as refused:
        gone.run()
    assert refused.value.message == f"{field}: it does not open: HTTP 404; nothing was sent"
    assert isinstance(refused.value, AirflowFailException)
    assert (gone.store.get("videoai_submission"), bought(case)) == (None, [])


def test_an_input_that_opens_is_submitted(viitor: Case, task: Any, bought: Any, serve: Any, sandbox: Any) -> None:
    task(viitor, check_inputs=True, url=serve(location=f"{sandbox.url}/sample/clip.mp4")).defer()
    without_ranges = serve(b"a video")
    task(viitor, check_inputs=True, url=without_ranges).defer()
    assert len(bought(viitor)) == 2


def test_it_is_tried_only_if_the_user_wants_it(viitor: Case, task: Any, bought: Any, serve: Any) -> None:
    task(viitor, url=serve(status=404)).defer()
    assert len(bought(viitor)) == 1


def test_a_page_for_people_is_no_input(viitor: Case, task: Any, bought: Any, serve: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"url: it is a web page \(text/html\), not media; nothing was sent"):
        task(viitor, check_inputs=True, url=serve(b"<html>", "text/html; charset=utf-8")).run()
    assert bought(viitor) == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_overloaded_is_worth_a_retry(viitor: Case, task: Any, serve: Any, status: int) -> None:
    with pytest.raises(VendorUnavailable, match=f"url: it cannot be checked for now: HTTP {status}") as failure:
        task(viitor, check_inputs=True, url=serve(status=status)).run()
    assert not isinstance(failure.value, AirflowFailException)


def test_nobody_at_the_address_is_worth_a_retry_and_shows_no_token(viitor: Case, task: Any, free_port: int) -> None:
    with pytest.raises(VendorUnavailable, match="url: it cannot be checked for now") as failure:
        task(viitor, check_inputs=True, url=f"http://127.0.0.1:{free_port}/a.mp4?token=secret").run()
    assert "secret" not in str(failure.value)


def test_a_circle_of_redirects_is_left(viitor: Case, task: Any, serve: Any) -> None:
    with pytest.raises(InvalidRequest, match="url: it was redirected more than 5 times"):
        task(viitor, check_inputs=True, url=serve(location="/0")).run()


def test_an_address_that_only_the_worker_reaches_is_refused(viitor: Case, task: Any, connect: Any, bought: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"url: .*allow_private_addresses in the extra"):
        task(viitor, check_inputs=True, viitor_conn_id=connect("viitor", extra={})).run()
    assert bought(viitor) == []


def test_a_signed_url_is_tried_as_the_vendor_will_fetch_it(
    viitor: Case, task: Any, bought: Any, s3_store: Store
) -> None:
    s3_store.put("clip.mp4", b"a video")
    task(viitor, check_inputs=True, url=f"{s3_store.root}/clip.mp4").defer()
    assert len(bought(viitor)) == 1


def test_an_operator_that_fetches_no_url_has_nothing_to_check() -> None:
    with pytest.raises(InvalidRequest, match="check_inputs: must be left out: video_avatar fetches no URL"):
        TopviewVideoAvatarOperator(
            task_id="speak", avatar_source_from=0, audio_source_from=0, check_inputs=True, video_file="a.mp4"
        )
