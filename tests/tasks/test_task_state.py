# SPDX-License-Identifier: Apache-2.0
"""Airflow's own accessor of the task state store, with the API server played: what it cannot read is never "none"."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.airflow_compat import AIRFLOW_V_3_3_PLUS

if not AIRFLOW_V_3_3_PLUS:
    pytest.skip("Airflow before 3.3 has no task state store", allow_module_level=True)

from airflow.providers.common.io.state_store import backend
from airflow.sdk._shared.state import TaskScope
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time import context as airflow_context
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import (
    ErrorResponse,
    GetTaskStateStore,
    OKResponse,
    SetTaskStateStore,
    TaskStateStoreResult,
)

from airflow_provider_videoai.jobs.errors import SubmitUncertain, VideoAIError
from airflow_provider_videoai.tasks.task_state import TaskStateStore, store_of

KEY = "videoai_submission"


class ApiServer:
    """Keeps what the supervisor would send to the API server, as JSON; refuses with an HTTP status if so set."""

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}
        self.refuses: dict[type, int | None] = {}

    def send(self, message: Any) -> Any:
        if type(message) in self.refuses:
            detail = {"status_code": self.refuses[type(message)], "message": "see https://api.test/x?token=5ecret"}
            raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail=detail))
        if isinstance(message, SetTaskStateStore):
            self.rows[message.key] = json.dumps(message.value)
            return OKResponse(ok=True)
        assert isinstance(message, GetTaskStateStore)
        if message.key not in self.rows:
            return ErrorResponse(error=ErrorType.TASK_STORE_NOT_FOUND, detail={"key": message.key})
        return TaskStateStoreResult(value=json.loads(self.rows[message.key]))


@pytest.fixture(autouse=True)
def api(monkeypatch: pytest.MonkeyPatch) -> ApiServer:
    api = ApiServer()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", api, raising=False)
    return api


@pytest.fixture
def accessor() -> Any:
    scope = TaskScope(dag_id="pipeline", run_id="r", task_id="make")
    return airflow_context.TaskStateStoreAccessor(uuid.uuid4(), scope)


@pytest.fixture
def object_storage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Have Airflow keep task states in files."""
    cached = (airflow_context._get_worker_state_store_backend, backend._get_base_path, backend._get_threshold)
    kind = f"{backend.__name__}.{backend.StateStoreObjectStorageBackend.__name__}"
    monkeypatch.setenv("AIRFLOW__WORKERS__STATE_STORE_BACKEND", kind)
    monkeypatch.setenv("AIRFLOW__COMMON_IO__STATE_STORE_OBJECTSTORAGE_PATH", f"file://{tmp_path}/states")
    for each in cached:
        each.cache_clear()
    yield tmp_path / "states"
    for each in cached:
        each.cache_clear()


def test_state_that_nobody_wrote_is_none(accessor: Any) -> None:
    assert TaskStateStore(accessor).get(KEY) is None


def test_state_is_read_back(accessor: Any) -> None:
    TaskStateStore(accessor).set(KEY, {"phase": "submitting"})
    assert TaskStateStore(accessor).get(KEY) == {"phase": "submitting"}


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("message", [GetTaskStateStore, SetTaskStateStore])
def test_attempt_that_another_took_over_from_ends(api: ApiServer, accessor: Any, message: type, status: int) -> None:
    api.refuses = {message: status}
    with pytest.raises(VideoAIError, match="another attempt of this task took over"):
        both(TaskStateStore(accessor))


@pytest.mark.parametrize("status", [500, 401, None])
@pytest.mark.parametrize("message", [GetTaskStateStore, SetTaskStateStore])
def test_store_out_of_reach_is_an_error_of_this_package(
    api: ApiServer, accessor: Any, message: type, status: int | None
) -> None:
    api.refuses = {message: status}
    with pytest.raises(VideoAIError, match=r"API_SERVER_ERROR.*nothing is submitted. A retry tries again") as failed:
        both(TaskStateStore(accessor))
    assert "5ecret" not in failed.value.message


def both(store: TaskStateStore) -> None:
    store.get(KEY)
    store.set(KEY, {})


# -- a task on it ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", [GetTaskStateStore, SetTaskStateStore])
@pytest.mark.parametrize("case", ["viitor", "cdnetworks_trim"], indirect=True)
def test_task_buys_nothing_without_its_record(
    case: Any, task: Any, bought: Any, api: ApiServer, accessor: Any, message: type
) -> None:
    api.refuses = {message: 404}
    with pytest.raises(VideoAIError, match="took over"):
        task(case, store=accessor).start()
    assert bought(case) == []


@pytest.mark.usefixtures("prompt")
@pytest.mark.parametrize("written", [{"phase": "submitted"}, {}], ids=["with phase", "id alone"])
@pytest.mark.parametrize("as_text", [False, True], ids=["object", "text"])
@pytest.mark.parametrize("case", ["viitor"], indirect=True)
def test_job_is_found_by_the_smallest_record_where_the_page_shows_a_reference(
    case: Any,
    task: Any,
    bought: Any,
    sandbox: Any,
    api: ApiServer,
    accessor: Any,
    object_storage: Path,
    written: dict[str, Any],
    as_text: bool,
) -> None:
    sandbox.fault(vendor=case.vendor, kind="accept_then_drop")
    lost = task(case, store=accessor)
    with pytest.raises(SubmitUncertain, match=r'replace it all by \{"job_id": "<its id>", "phase": "submitted"\}'):
        lost.start()
    assert list(json.loads(api.rows[KEY])) == ["__airflow_state_ref__"]
    (job_id,) = bought(case)
    record = {"job_id": job_id, **written}
    api.rows[KEY] = json.dumps(json.dumps(record) if as_text else record)
    assert task(case, store=accessor).run()["job_id"] == job_id
    assert bought(case) == [job_id]
    assert json.loads(next(object_storage.rglob(KEY)).read_text())["phase"] == "finished"


@pytest.mark.usefixtures("prompt")
@pytest.mark.parametrize("case", ["viitor"], indirect=True)
def test_record_that_the_storage_lost_is_not_taken_for_none(
    case: Any, task: Any, bought: Any, accessor: Any, object_storage: Path
) -> None:
    done = task(case, store=accessor)
    done.run()
    next(object_storage.rglob(KEY)).unlink()
    with pytest.raises(VideoAIError, match=r"behind it no value.*nothing was submitted.*another job, make it"):
        task(case, store=accessor).start()
    assert len(bought(case)) == 1


def test_older_airflow_keeps_records_for_an_attempt_only() -> None:
    store = store_of({})
    assert not store.lasting
    store.set(KEY, {})
    assert store.get(KEY) == {}
    assert store_of({}).get(KEY) is None
