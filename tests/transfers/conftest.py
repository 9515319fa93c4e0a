# SPDX-License-Identifier: Apache-2.0
"""Stores for results, and the operator that copies them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk.execution_time.context import OutletEventAccessors

from airflow_provider_videoai.hooks.lookup import hook_for
from airflow_provider_videoai.transfers.media import VideoResultToObjectStorageOperator
from tests.support.stores import Store, file_store, s3_server, s3_store
from tests.support.tasks import execute

__all__ = ["file_store", "s3_server", "s3_store"]


@pytest.fixture(params=["file_store", "s3_store"])
def store(request: pytest.FixtureRequest) -> Store:
    """Each kind of store in turn."""
    found: Store = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def transfer() -> Callable[..., Any]:
    """Run the operator as a worker does; the events of its outlets come back through ``events``."""

    def transfer(result: Any, destination: str, *, events: OutletEventAccessors | None = None, **arguments: Any) -> Any:
        operator = VideoResultToObjectStorageOperator(
            task_id="keep", result=result, destination=destination, **arguments
        )
        return execute(operator, outlet_events=OutletEventAccessors() if events is None else events)

    return transfer


@pytest.fixture
def result_at(sandbox: Any) -> Callable[..., dict[str, Any]]:  # noqa: ARG001 - its connections
    """Make the result of a job whose media is at a URL."""

    def result_at(url: str | None, **fields: Any) -> dict[str, Any]:
        job = {"vendor": "viitor", "operation": "text_removal", "job_id": "ViiTor_AI_1", "state": "succeeded"}
        return {**job, "media_url": url, **fields}

    return result_at


@pytest.fixture
def topview_result(sandbox: Any) -> dict[str, Any]:  # noqa: ARG001 - its connections
    """A finished job of Topview, whose URLs are signed and can be renewed."""
    hook = hook_for("topview")
    fields = {"avatar_source_from": "1", "ai_avatar_id": "sandbox-avatar-anna", "audio_source_from": "1"}
    job_id = hook.submit({**fields, "tts_text": "Hi."})
    while not (result := hook.result(job_id)).state.terminal:
        pass
    return result.to_dict()
