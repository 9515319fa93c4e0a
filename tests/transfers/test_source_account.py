# SPDX-License-Identifier: Apache-2.0
"""A transfer fetches from the account that the DAG names for the task which made the result, and from no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import DAG, task

from airflow_provider_videoai.jobs.errors import VendorUnavailable
from airflow_provider_videoai.operators.topview import TopviewVideoAvatarOperator
from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator
from airflow_provider_videoai.sensors.viitor import ViiTorTextRemovalSensor
from airflow_provider_videoai.transfers.media import VideoResultToObjectStorageOperator
from airflow_provider_videoai.transfers.source_account import source_connection
from tests.support.tasks import execute

CLIP: dict[str, Any] = {"url": "https://h/a.mp4", "task_name": "a", "full_erase_roi": [[0, 0, 1, 1]]}


def clean(task_id: str = "clean", account: Any = "studio") -> ViiTorTextRemovalOperator:
    return ViiTorTextRemovalOperator(task_id=task_id, viitor_conn_id=account, **CLIP)


def keep(result: Any) -> VideoResultToObjectStorageOperator:
    return VideoResultToObjectStorageOperator(task_id="keep", result=result, destination="file:///v/{job_id}.mp4")


def mapped_over(**over: Any) -> Any:
    fixed: dict[str, Any] = {"viitor_conn_id": "studio", **CLIP}
    return ViiTorTextRemovalOperator.partial(
        task_id="clean", **{name: value for name, value in fixed.items() if name not in over}
    ).expand(**over)


@task
def chosen() -> Any:
    """Return a result, or an account, as any code may."""


SAID: dict[str, Callable[[], Any]] = {
    "operator": lambda: keep(clean().output),
    "sensor": lambda: keep(
        ViiTorTextRemovalSensor(task_id="wait", job_id="ViiTor_AI-1", viitor_conn_id="studio").output
    ),
    "mapped operator": lambda: keep(mapped_over(url=["https://h/a.mp4"]).output),
    "mapped transfer": lambda: VideoResultToObjectStorageOperator.partial(
        task_id="keep", destination="file:///v/{job_id}.mp4"
    ).expand(result=mapped_over(url=["https://h/a.mp4"]).output),
    "list of one account": lambda: keep([clean("a").output, clean("b").output]),
    "list with another vendor": lambda: keep(
        [
            clean().output,
            TopviewVideoAvatarOperator(
                task_id="speak",
                avatar_source_from="1",
                audio_source_from="1",
                ai_avatar_id="a",
                tts_text="Hi.",
                topview_conn_id="avatars",
            ).output,
        ]
    ),
}
UNSAID: dict[str, Callable[[], Any]] = {
    "literal result": lambda: keep({"vendor": "viitor"}),
    "template": lambda: keep("{{ ti.xcom_pull(task_ids='clean') }}"),
    "Python task between": lambda: keep(chosen()),
    "list of two accounts": lambda: keep([clean("a").output, clean("b", "other").output]),
    "account from a template": lambda: keep(clean(account="{{ params.account }}").output),
    "account from an XCom": lambda: keep(clean(account=chosen()).output),
    "account of each map index": lambda: keep(mapped_over(viitor_conn_id=["studio", "other"]).output),
}


def found(make: Callable[[], Any], vendor: str = "viitor") -> str | None:
    with DAG("pipeline", schedule=None):
        made = make()
    running = made.unmap({"result": {"vendor": vendor}}) if getattr(made, "is_mapped", False) else made
    return source_connection(running, "result", vendor)


@pytest.mark.parametrize("make", SAID.values(), ids=SAID)
def test_the_account_is_that_of_the_task_whose_result_is_kept(make: Callable[[], Any]) -> None:
    assert found(make) == "studio"


@pytest.mark.parametrize("make", UNSAID.values(), ids=UNSAID)
def test_nothing_is_guessed_where_the_dag_file_says_no_single_account(make: Callable[[], Any]) -> None:
    assert found(make) is None


def test_a_result_that_claims_another_vendor_gets_no_account_of_this_one() -> None:
    assert found(SAID["operator"], "topview") is None
    assert found(SAID["list with another vendor"], "topview") == "avatars"


def test_a_task_outside_of_a_dag_has_no_source() -> None:
    assert source_connection(keep({"vendor": "viitor"}), "result", "viitor") is None


def running_transfer(result: Any, **arguments: Any) -> Any:
    """Return the transfer behind an operator in the account ``studio`` as a worker has it: with the result's value."""
    with DAG("pipeline", schedule=None):
        made = VideoResultToObjectStorageOperator(
            task_id="keep", result=clean().output, destination="file:///v/{job_id}.mp4", verify=False, **arguments
        )
    running = made.prepare_for_execution()
    running.result = result
    return running


@pytest.mark.parametrize(
    ("arguments", "used"), [({}, "studio"), ({"vendor_conn_id": "own"}, "own")], ids=["from the DAG", "given"]
)
def test_the_transfer_uses_it_unless_it_names_one_and_never_what_the_result_says(
    arguments: dict[str, Any], used: str, result_at: Any
) -> None:
    hostile = {**result_at("https://h/a.mp4"), "conn_id": "viitor_default", "viitor_conn_id": "viitor_default"}
    # Neither is defined here: the error names the connection that was looked up.
    with pytest.raises(VendorUnavailable, match=f"connection '{used}' is not defined"):
        execute(running_transfer(hostile, **arguments))
