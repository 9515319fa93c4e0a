# SPDX-License-Identifier: Apache-2.0
"""The names that users rely on, with their arguments. A change here is a change of the contract."""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest
from airflow.sdk import BaseSensorOperator

from tests.support.which_airflow import needs_airflow_3_3

PACKAGE = "airflow_provider_videoai"

OPERATORS = {
    "viitor.ViiTorTextRemovalOperator": ("url task_name", "text_detect_roi full_erase_roi"),
    "aidge.AidgeVideoRemovalOperator": (
        "video_url language",
        "artificial_text_only remove_audio inpainting_boxes color_blocks",
    ),
    "cdnetworks.CDNetworksTrimOperator": (
        "video_id seek_start duration filename",
        "suffix resolution frame_rate video_bit_rate audio_bit_rate sampling_rate notify_url code_type trans_no",
    ),
    "cdnetworks.CDNetworksPullVideoOperator": ("fetch_url filename", "md5 trans_no"),
    "topview.TopviewVideoAvatarOperator": (
        "avatar_source_from audio_source_from",
        (
            "video_file_id ai_avatar_id image_file_id audio_file_id tts_text voiceover_id voice_speed mode_type "
            "caption_id save_as_custom_avatar notice_url need_cloud_front_url video_file audio_file image_file"
        ),
    ),
    "tencent_ivh.TencentVideoMakeOperator": (
        "virtualman_key",
        (
            "input_ssml input_audio_url driver_type speech_param video_param callback_url video_storage_s3_url "
            "subtitle_storage_s3_url concurrency_type"
        ),
    ),
    "tencent_ivh.TencentTtsOperator": (
        "input_ssml",
        "timbre_key virtualman_key speed volume sample_rate codec audio_storage_s3_url sentence_max_words",
    ),
}
COMMON = (
    "deferrable wait_for_completion poll_interval job_timeout quota_timeout on_uncertain_submit on_finished_job "
    "finish_in_triggerer"
)
SENSORS = (
    "viitor.ViiTorTextRemovalSensor",
    "aidge.AidgeVideoRemovalSensor",
    "cdnetworks.CDNetworksTrimSensor",
    "topview.TopviewVideoAvatarSensor",
    "tencent_ivh.TencentProductionSensor",
)
TRANSFER = {"subtitles_destination": None, "overwrite": False, "verify": True, "vendor_conn_id": None}
HOOKS = (
    "viitor.ViiTorHook",
    "aidge.AidgeHook",
    "cdnetworks.CDNetworksHook",
    "topview.TopviewHook",
    "tencent_ivh.TencentIVHHook",
)


def named(layer: str, path: str) -> type:
    module, _, name = path.partition(".")
    found: type = getattr(import_module(f"{PACKAGE}.{layer}.{module}"), name)
    return found


def arguments(cls: type) -> dict[str, inspect.Parameter]:
    found: dict[str, inspect.Parameter] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith(PACKAGE) and "__init__" in vars(base):
            found |= inspect.signature(vars(base)["__init__"]).parameters
    return found


@pytest.mark.parametrize("path", OPERATORS)
def test_operator_takes_the_arguments_of_the_contract(path: str) -> None:
    required, optional = (names.split() for names in OPERATORS[path])
    given = arguments(named("operators", path))
    assert [name for name in required if given[name].default is not inspect.Parameter.empty] == []
    assert [name for name in optional if given[name].default is inspect.Parameter.empty] == []
    assert set(COMMON.split()) <= set(given)
    assert f"{path.partition('.')[0]}_conn_id" in given


@pytest.mark.parametrize("path", OPERATORS)
def test_every_request_field_is_templated(path: str) -> None:
    required, optional = (names.split() for names in OPERATORS[path])
    assert {*required, *optional} <= set(named("operators", path).template_fields)  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", SENSORS)
def test_sensor_is_airflows_sensor_with_the_arguments_of_the_contract(path: str) -> None:
    sensor = named("sensors", path)
    given = arguments(sensor)
    assert issubclass(sensor, BaseSensorOperator)
    assert given["deferrable"].default is True
    assert given["finish_in_triggerer"].default is False
    assert {"job_id", "poll_interval", f"{path.partition('.')[0]}_conn_id"} <= set(given)


@needs_airflow_3_3("retry policies")
def test_the_retry_policy_is_airflows_with_one_argument() -> None:
    from airflow.sdk import RetryPolicy  # noqa: PLC0415 - older ones have none

    policy = named("policies", "retry.VideoAIRetryPolicy")
    assert issubclass(policy, RetryPolicy)
    assert {name: each.default for name, each in inspect.signature(policy).parameters.items()} == {"paid_retries": 0}


def test_the_transfer_takes_the_arguments_of_the_contract() -> None:
    transfer = named("transfers", "media.VideoResultToObjectStorageOperator")
    given = arguments(transfer)
    defaults = {name: each.default for name, each in given.items() if name in TRANSFER}
    assert defaults == TRANSFER
    assert all(given[name].default is inspect.Parameter.empty for name in ("result", "destination"))
    assert {"result", "destination", "subtitles_destination"} <= set(transfer.template_fields)  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", HOOKS)
def test_hook_has_each_method_blocking_and_async(path: str) -> None:
    hook = named("hooks", path)
    for name in ("submit", "status", "statuses", "result"):
        assert not inspect.iscoroutinefunction(getattr(hook, name))
        assert inspect.iscoroutinefunction(getattr(hook, f"a{name}"))
    assert callable(hook.test_connection)  # type: ignore[attr-defined]
