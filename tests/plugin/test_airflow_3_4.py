# SPDX-License-Identifier: Apache-2.0
"""What the page reads of Airflow 3.4, whose tables of arguments and of task states are others than before."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.models.taskinstance import TaskInstance
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from sqlalchemy import delete, insert

from airflow_provider_videoai.plugin import records, task_states
from airflow_provider_videoai.plugin.task import TaskKey
from tests.support.which_airflow import needs_airflow_3_4

pytestmark = needs_airflow_3_4("such tables")

AT = datetime(2026, 5, 11, 8, 0, tzinfo=UTC)
KEY = TaskKey("dag", "run", "task", 0)
OLD, NEW = uuid.UUID(int=1), uuid.UUID(int=2)
PART = "videoai_batch_0"


@pytest.fixture
def mapped_task() -> Iterator[None]:
    """A mapped copy that ran, and was cleared as a whole: it has a region of its own each time."""
    initdb()
    with create_session(scoped=False) as session:
        session.add(DagBundleModel(name="tests"))
        session.flush()
        session.add(DagModel(dag_id=KEY.dag_id, bundle_name="tests"))
        session.flush()
        run = {"dag_id": KEY.dag_id, "run_id": KEY.run_id, "run_type": "manual", "run_after": AT}
        made: Any = session.execute(insert(DagRun.__table__), run)
        number = made.inserted_primary_key[0]
        for minutes, region in enumerate((OLD, NEW)):
            _attempt(session, number, region, AT + timedelta(minutes=minutes))
    yield
    with create_session(scoped=False) as session:
        states: Any = task_states._model()
        for model in (states, RenderedTaskInstanceFields, TaskInstance, DagRun, DagModel, DagBundleModel):
            session.execute(delete(model))


def _attempt(session: Any, run: int, region: uuid.UUID, at: datetime) -> None:
    identity = {"dag_id": KEY.dag_id, "run_id": KEY.run_id, "task_id": KEY.task_id}
    place = {**identity, "region_index": KEY.map_index, "region_id": region}
    instance = {"id": uuid.UUID(int=region.int), "state": "deferred", "pool": "default_pool", "pool_slots": 1}
    session.execute(insert(TaskInstance.__table__), place | instance | {"try_number": 1, "start_date": at})
    arguments = {"id": uuid.uuid4(), "task_instance_id": instance["id"], "rendered_fields": {"region": region.int}}
    session.execute(insert(RenderedTaskInstanceFields.__table__), arguments)
    states: Any = task_states._model()
    value = json.dumps({"version": 1, "items": {f"of region {region.int}": {}}})
    stored = place | {"dag_run_id": run, "key": PART, "value": value, "updated_at": at}
    session.execute(insert(states.__table__), stored)


@pytest.mark.usefixtures("mapped_task")
def test_the_arguments_of_the_newest_attempt_are_read() -> None:
    assert json.loads(str(records.rendered_fields(KEY))) == {"region": NEW.int}
    assert records.rendered_fields(KEY._replace(map_index=1)) is None


@pytest.mark.usefixtures("mapped_task")
def test_the_records_of_the_newest_attempt_are_read() -> None:
    assert task_states.parts(KEY) == {PART: AT + timedelta(minutes=1)}
    assert json.loads(str(task_states.texts(KEY, [PART])[PART]))["items"] == {f"of region {NEW.int}": {}}
    assert task_states.parts(KEY._replace(map_index=1)) == {}
