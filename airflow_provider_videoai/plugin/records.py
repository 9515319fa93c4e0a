# SPDX-License-Identifier: Apache-2.0
"""Read Airflow: everything that the page knows of tasks, XComs, users and connections comes through this module.

A task is a video job if it pushed a job reference (:mod:`airflow_provider_videoai.jobs.job_reference`), and a batch if
it pushed that of one (:mod:`airflow_provider_videoai.batches.batch_reference`). So subclasses count, whatever they are
called, and no list of operators has to be kept; a task that never got as far as a job does not count. Every function
here has a short database session of its own, and only values leave it: nothing that takes its time may happen while a
session is held. Values are read as the text that the database keeps, each for itself, because the database's own JSON
reader fails for all rows if it fails for one; :mod:`.xcoms` reads the texts. The models are read by column; from 3.4 on
a task instance may have several attempts with XComs and arguments, and the newest counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.sdk import BaseHook
from airflow.utils.session import create_session
from sqlalchemy import ColumnElement, Select, Text, and_, case, cast, func, select, tuple_
from sqlalchemy.orm import Session

from airflow_provider_videoai.airflow_compat import AirflowNotFoundException
from airflow_provider_videoai.batches.batch_reference import BATCH_REFERENCE_KEY
from airflow_provider_videoai.jobs.job_reference import JOB_REFERENCE_KEY
from airflow_provider_videoai.plugin.task import TaskKey
from airflow_provider_videoai.triggers.batch_event import COUNTS_KEY

__all__ = ["GetUserDep"]

may_read_tasks = requires_access_dag(method="GET", access_entity=DagAccessEntity.TASK_INSTANCE)
"""Checks a request of a user: 403 for a DAG (``dag_id`` of path or query) whose tasks the user may not read."""

REFERENCES = (JOB_REFERENCE_KEY, BATCH_REFERENCE_KEY)
SUMMARY = ("progress", "state", "finished_at", "status", COUNTS_KEY)
WHOLE = (*SUMMARY, "return_value")

LONGEST = 16_000_000
"""Characters of an XCom that are read at most: the results of 5,000 jobs take some 6 million."""
LONGEST_OF_MANY = 100_000
"""The same of one that is read with those of other tasks, so that a hundred tasks are not held at their longest at a
time."""

LAST_MAP_INDEX = 2**31 - 1

_LONGEST_STORED = 1_000_000
_MOST_STORED = 20
"""Tasks of a run whose return values are searched for copies, and characters of each."""

_LONGEST_ID = 250
_IN_NO_ID = re.compile("[\x00\ud800-\udfff]")  # no database keeps them, and PostgreSQL fails on them


Identity = tuple[Any, ...]


class Entry(NamedTuple):
    """A task that stored a reference, without what it stored; equal to an earlier one if Airflow knows nothing new."""

    identity: Identity
    seen_at: datetime
    """When the reference was stored."""
    written_at: datetime
    """When the last of the XComs was stored that a list reads."""
    map_label: str | None
    state: str | None
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def key(self) -> TaskKey:
        """The task instance."""
        return TaskKey(*self.identity[:4])


class Found(NamedTuple):
    """A task that stored a reference, and the JSON texts of its XComs by key; ``None`` for one that is too long."""

    entry: Entry
    texts: dict[str, str | None]


def can_be_id(text: str) -> bool:
    """Return whether a DAG, a run or a task may have this id, so that the database may be queried for it.

    :param text: an id out of a URL.
    """
    return len(text) <= _LONGEST_ID and not _IN_NO_ID.search(text)


def readable_dag_ids(user: Any) -> set[str]:
    """Return the ids of the DAGs that the user may read.

    :param user: as Airflow's auth manager knows it.
    """
    # Airflow's own authorization, per request: rights may be withdrawn while a page is open.
    return set(get_auth_manager().get_authorized_dag_ids(user=user, method="GET"))


def dag_ids_with_jobs(readable: Collection[str]) -> list[str]:
    """Return the ids of the DAGs that have video jobs, sorted.

    :param readable: the ids of the DAGs that the user may read.
    """
    query = select(XComModel.dag_id).where(XComModel.key.in_(REFERENCES), XComModel.dag_id.in_(readable)).distinct()
    with create_session(scoped=False) as session:
        return sorted(session.scalars(query))


def newest(dag_ids: Collection[str], run_id: str | None, count: int) -> tuple[list[Entry], bool]:
    """Return the tasks that were the last to store a reference, newest first.

    :param dag_ids: the DAGs whose tasks are wanted.
    :param run_id: only runs with this id; ``None`` for all.
    :param count: how many to return at most.
    :returns: the tasks, and whether there are more.
    """
    query = _references().where(XComModel.dag_id.in_(dag_ids))
    if run_id is not None:
        query = query.where(XComModel.run_id == run_id)
    with create_session(scoped=False) as session:
        # Of rows and not of tasks: one may have several, and what is beyond the limit is not looked at.
        entries, rows = _entries(session, query.limit(count + 1))
    return entries[:count], rows > count


def stored(entries: Sequence[Entry], longest: int = LONGEST_OF_MANY) -> list[Found]:
    """Return what tasks stored that a list shows.

    :param entries: the tasks; the database is queried for all of them at once.
    :param longest: characters of an XCom that are read at most.
    """
    with create_session(scoped=False) as session:
        return _stored(session, entries, SUMMARY, longest)


def one(key: TaskKey, region_id: UUID | None = None) -> Found | None:
    """Return one task with its jobs and results.

    :param key: the task instance.
    :param region_id: the loop of the task, if Airflow has loops (3.4).
    :returns: ``None`` if there is no such task, or it has no video job.
    """
    query = _references().limit(1)
    for column, value in zip(_columns(XComModel), key, strict=False):
        query = query.where(column == value)
    if region_id is not None and hasattr(XComModel, "region_id"):
        query = query.where(XComModel.region_id == region_id)
    with create_session(scoped=False) as session:
        found = _stored(session, _entries(session, query)[0], WHOLE)
    # A database that compares without regard to case may return another task than the user was checked for.
    return next((each for each in found if each.entry.key == key), None)


def rendered_fields(key: TaskKey) -> str | None:
    """Return the arguments that a task ran with, rendered, as the JSON text that Airflow keeps of the newest runs.

    :param key: the task instance.
    :returns: ``None`` if Airflow keeps none, or they are too long.
    """
    model: Any = RenderedTaskInstanceFields
    by_attempt = hasattr(model, "task_instance_id")  # from Airflow 3.4 on
    columns = _columns(TaskInstance if by_attempt else model)[: len(key)]
    query = _select(*columns, _text(model.rendered_fields)).select_from(model).where(tuple_(*columns) == tuple(key))
    if by_attempt:
        query = query.join(TaskInstance, TaskInstance.id == model.task_instance_id).order_by(TaskInstance.id.desc())
    with create_session(scoped=False) as session:
        rows = session.execute(query).all()
    # As above: without regard to case it may be another task's.
    return next((row.text for row in rows if TaskKey(*row[: len(key)]) == key), None)


def stored_results(key: TaskKey) -> list[tuple[str, str]]:
    """Return what tasks of a run returned that stored results, as the transfers of this package do.

    :param key: a task instance of the run.
    :returns: the ids of those tasks, and the JSON texts of their return values.
    """
    text = cast(XComModel.value, Text)
    query = (
        select(XComModel.task_id, text)
        .where(XComModel.dag_id == key.dag_id, XComModel.run_id == key.run_id, XComModel.key == "return_value")
        .where(text.contains('"sha256"'), func.length(text) <= _LONGEST_STORED)
        .order_by(XComModel.timestamp.desc())
        .limit(_MOST_STORED)
    )
    with create_session(scoped=False) as session:
        return [(task_id, stored) for task_id, stored in session.execute(query)]


def connection_type(conn_id: str) -> str | None:
    """Return the type of a connection; ``None`` if there is no such connection.

    :param conn_id: as a task stored it; it may be anything. Blocks, and may query a secrets backend.
    """
    try:
        return str(BaseHook.get_connection(conn_id).conn_type)
    except AirflowNotFoundException:
        return None


def _references() -> Select[Any]:
    columns = (*_columns(XComModel), XComModel.timestamp)
    return _select(*columns).where(XComModel.key.in_(REFERENCES)).order_by(XComModel.timestamp.desc())


def _text(column: Any = XComModel.value, longest: int = LONGEST) -> ColumnElement[Any]:
    # The length is compared in the database: a value of any size would be in memory before Python could refuse it.
    text = cast(column, Text)
    return case((func.length(text) <= longest, text), else_=None).label("text")


def _entries(session: Session, query: Select[Any]) -> tuple[list[Entry], int]:
    """Return tasks, and in how many rows they were found."""
    # Joined with the query instead of named one by one: a list has thousands of tasks.
    wanted = query.subquery()
    # Of a task with several attempts the newest counts, and that comes first.
    seen_at: dict[Identity, datetime] = {}
    rows = session.execute(query).all()
    for row in rows:
        seen_at.setdefault(_identity(row), row.timestamp)
    instances = {_identity(row): row for row in session.execute(_instances().join(wanted, _same(TaskInstance, wanted)))}
    written = _written().join(wanted, _same(XComModel, wanted))
    written_at: dict[Identity, datetime] = {_identity(row): row.written_at for row in session.execute(written)}
    entries = [
        Entry(
            identity,
            seen,
            written_at.get(identity, seen),
            instance.map_label,
            instance.state and str(instance.state),
            instance.start_date,
            instance.end_date,
        )
        for identity, seen in seen_at.items()
        if (instance := instances.get(identity)) is not None
    ]
    return entries, len(rows)


def _instances() -> Select[Any]:
    label: Any = TaskInstance.rendered_map_index
    columns = [*_columns(TaskInstance), label.label("map_label")]
    return _select(*columns, TaskInstance.state, TaskInstance.start_date, TaskInstance.end_date)


def _written() -> Select[Any]:
    written_at = func.max(XComModel.timestamp).label("written_at")
    keys = (*SUMMARY, *REFERENCES)
    return _select(*_columns(XComModel), written_at).where(XComModel.key.in_(keys)).group_by(*_columns(XComModel))


def _same(model: Any, wanted: Any) -> ColumnElement[bool]:
    return and_(*(column == wanted.c[column.key] for column in _columns(model)))


def _stored(session: Session, entries: Sequence[Entry], names: Sequence[str], longest: int = LONGEST) -> list[Found]:
    texts: dict[Identity, dict[str, str | None]] = {}
    for row in session.execute(_texts((*names, *REFERENCES), [entry.identity for entry in entries], longest)):
        texts.setdefault(_identity(row), {})[row.key] = row.text
    # A task that was cleared since its entry was read has no reference any more.
    found = ((each, texts.get(each.identity, {})) for each in entries)
    return [Found(each, stored) for each, stored in found if not stored.keys().isdisjoint(REFERENCES)]


def _texts(keys: Collection[str], identities: Iterable[Identity], longest: int) -> Select[Any]:
    return (
        _select(*_columns(XComModel), XComModel.key, _text(longest=longest))
        .where(tuple_(*_columns(XComModel)).in_(list(identities)), XComModel.key.in_(keys))
        .order_by(XComModel.timestamp)  # so that the newest attempt's value is the one that stays
    )


def _select(*columns: Any) -> Select[Any]:
    return select(*columns)  # pyright: ignore[reportReturnType] - of columns given as a list, SQLAlchemy counts at least ten


def _columns(model: Any) -> tuple[Any, ...]:
    """Return what identifies a task instance; the iterations of two loops of Airflow 3.4 differ by their region."""
    region = (model.region_id,) if hasattr(model, "region_id") else ()
    return model.dag_id, model.run_id, model.task_id, model.map_index, *region


def _identity(row: Any) -> Identity:
    return tuple(row[: len(_columns(XComModel))])
