# SPDX-License-Identifier: Apache-2.0
"""Read Airflow: everything that the page knows of tasks, XComs, users and connections comes through this module.

A task is a video job if it pushed a card (:mod:`airflow_provider_videoai.jobs.card`). So subclasses count, whatever
they are called, and no list of operators has to be kept; a task that never got as far as a job does not count.

The models are read by column, under the names that Airflow 3.1 to 3.4 all have; from 3.4 on a task instance may have
several attempts with XComs, and the newest counts.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.sdk import BaseHook
from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session

from airflow_provider_videoai.hooks.airflow_errors import AirflowNotFoundException
from airflow_provider_videoai.jobs.card import CARD_KEY, JobCard
from airflow_provider_videoai.plugin.task import TaskKey, VideoTask

__all__ = ["GetUserDep", "SessionDep"]

may_read_tasks = requires_access_dag(method="GET", access_entity=DagAccessEntity.TASK_INSTANCE)
"""FastAPI dependency: 401 without a login, 403 for a DAG (``dag_id`` of path or query) whose tasks the user may not
read."""

SUMMARY = ("progress", "state", "finished_at", "status")
WHOLE = (*SUMMARY, "return_value")

_BATCH = 100


def readable_dag_ids(user: Any) -> set[str]:
    """Return the ids of the DAGs that the user may read."""
    return set(get_auth_manager().get_authorized_dag_ids(user=user, method="GET"))


def dag_ids_with_jobs(session: Session, readable: Collection[str]) -> list[str]:
    """Return the ids of the readable DAGs that have video jobs, in order."""
    query = select(XComModel.dag_id).where(XComModel.key == CARD_KEY, XComModel.dag_id.in_(readable)).distinct()
    return sorted(session.scalars(query))


def video_tasks(session: Session, dag_ids: Collection[str], scan: int) -> Iterator[VideoTask]:
    """Yield the tasks with video jobs of these DAGs as a list shows them: the newest ``scan``, newest first."""
    query = _cards().where(XComModel.dag_id.in_(dag_ids)).order_by(XComModel.timestamp.desc())
    seen: set[TaskKey] = set()
    for start in range(0, scan, _BATCH):
        rows = session.execute(query.offset(start).limit(min(_BATCH, scan - start))).all()
        fresh = [row for row in rows if _key(row) not in seen]
        seen.update(map(_key, fresh))
        yield from _completed(session, fresh, SUMMARY)
        if len(rows) < _BATCH:
            return


def video_task(session: Session, key: TaskKey) -> VideoTask | None:
    """Return one task with its jobs and results; ``None`` where there is none, or it has no video job."""
    query = _cards().where(_identity().in_([tuple(key)])).order_by(XComModel.timestamp.desc()).limit(1)
    return next(_completed(session, session.execute(query).all(), WHOLE), None)


def connection_type(conn_id: str) -> str | None:
    """Return the type of a connection; ``None`` where there is none."""
    try:
        return str(BaseHook.get_connection(conn_id).conn_type)
    except AirflowNotFoundException:
        return None


def _cards() -> Select[Any]:
    return select(*_columns(XComModel), XComModel.value, XComModel.timestamp).where(XComModel.key == CARD_KEY)


def _completed(session: Session, rows: Sequence[Any], keys: Sequence[str]) -> Iterator[VideoTask]:
    cards = {_key(row): (card, row.timestamp) for row in rows if (card := JobCard.read(_value(row)))}
    if not cards:
        return
    instances = _instances(session, cards)
    xcoms = _xcoms(session, cards, keys)
    for key, (card, seen_at) in cards.items():
        if (instance := instances.get(key)) is not None:
            yield VideoTask(
                key=key,
                card=card,
                seen_at=seen_at,
                state=instance.state and str(instance.state),
                started_at=instance.start_date,
                ended_at=instance.end_date,
                xcoms=xcoms.get(key, {}),
            )


def _instances(session: Session, keys: Collection[TaskKey]) -> dict[TaskKey, Any]:
    query = select(*_columns(TaskInstance), TaskInstance.state, TaskInstance.start_date, TaskInstance.end_date).where(
        tuple_(*_columns(TaskInstance)).in_([tuple(key) for key in keys])
    )
    return {_key(row): row for row in session.execute(query)}


def _xcoms(session: Session, keys: Collection[TaskKey], names: Sequence[str]) -> dict[TaskKey, dict[str, Any]]:
    query = (
        select(*_columns(XComModel), XComModel.key, XComModel.value)
        .where(_identity().in_([tuple(key) for key in keys]), XComModel.key.in_(names))
        .order_by(XComModel.timestamp)
    )
    found: dict[TaskKey, dict[str, Any]] = {}
    for row in session.execute(query):
        found.setdefault(_key(row), {})[row.key] = _value(row)
    return found


def _columns(model: Any) -> tuple[Any, ...]:
    return model.dag_id, model.run_id, model.task_id, model.map_index


def _identity() -> Any:
    return tuple_(*_columns(XComModel))


def _key(row: Any) -> TaskKey:
    return TaskKey(row.dag_id, row.run_id, row.task_id, row.map_index)


def _value(row: Any) -> Any:
    """Return plain JSON. Airflow's own reader would also make objects of what a DAG's author put there."""
    if not isinstance(row.value, str):
        return row.value
    try:
        return json.loads(row.value)
    except ValueError:
        return row.value
