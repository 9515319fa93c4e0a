# SPDX-License-Identifier: Apache-2.0
"""A real API server of Airflow in this process, on a database of its own, with tasks that only have XComs."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import uvicorn
from airflow.api_fastapi.app import create_app, get_auth_manager, purge_cached_app
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from sqlalchemy import Text, delete, insert, literal, select, update

try:
    from airflow.models.task_state_store import TaskStateStoreModel
except ImportError:  # before 3.3
    TaskStateStoreModel = None  # type: ignore[assignment,misc,unused-ignore]

AT = datetime(2026, 5, 11, 8, 0, tzinfo=UTC)
HIDDEN = "hidden"
"""Users may not read DAGs whose ids begin so."""
API = "/video-jobs/api/jobs"


class SomeDagsAuthManager(SimpleAuthManager):
    """Airflow's simple one, which knows only roles, with some DAGs that nobody may read."""

    def is_authorized_dag(self, *, details: Any = None, **request: Any) -> bool:
        hidden = details is not None and (details.id or "").startswith(HIDDEN)
        return not hidden and super().is_authorized_dag(details=details, **request)


class ApiServer:
    """The server; what tasks stored is written to its database directly, as text, so that it can be anything."""

    def __init__(self, url: str, app: Any) -> None:
        self.url = url
        self.app = app
        self.stored = 0

    def client(self, user: str | None = "viewer", **options: Any) -> httpx.Client:
        """Return a client, logged in as a user or (``None``) as nobody."""
        return httpx.Client(**self._options(user), **options)

    def async_client(self, **options: Any) -> httpx.AsyncClient:
        """Return an async client of a user who may read."""
        return httpx.AsyncClient(**self._options("viewer"), **options)

    def _options(self, user: str | None) -> dict[str, Any]:
        headers = {}
        if user is not None:
            token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=user, role=user))
            headers["Authorization"] = f"Bearer {token}"
        return {"base_url": self.url, "headers": headers, "timeout": 60, "trust_env": False}

    def task(
        self,
        dag_id: str = "dag",
        run_id: str = "run",
        task_id: str = "task",
        map_index: int = -1,
        *,
        task_state: str | None = "deferred",
        rendered: Any = None,
        **xcoms: Any,
    ) -> str:
        """Add a task with XComs (a :class:`Stored` as it is, others as JSON); return its path in the page's API.

        ``rendered`` are the arguments that Airflow keeps of it, if any; stored as the XComs are.
        """
        identity = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index}
        with create_session(scoped=False) as session:
            _run(session, dag_id, run_id)
            values = identity | {"id": uuid.uuid4(), "state": task_state, "pool": "default_pool", "pool_slots": 1}
            session.execute(insert(TaskInstance.__table__), values | {"try_number": 1, "start_date": AT})
            if rendered is not None:
                row = identity | {"rendered_fields": _text(rendered)}
                session.execute(insert(RenderedTaskInstanceFields.__table__).values(row))
        self.store(dag_id, run_id, task_id, map_index, **xcoms)
        return f"{API}/{dag_id}/{run_id}/{task_id}/{map_index}"

    def store(
        self, dag_id: str = "dag", run_id: str = "run", task_id: str = "task", map_index: int = -1, **xcoms: Any
    ) -> None:
        """Add XComs to a task."""
        self.stored += 1
        identity = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index}
        with create_session(scoped=False) as session:
            run = _run(session, dag_id, run_id)
            for key, value in xcoms.items():
                row = identity | {"dag_run_id": run, "key": key, "timestamp": AT + timedelta(seconds=self.stored)}
                session.execute(insert(XComModel.__table__).values(row | {"value": _text(value)}))

    def states(
        self, key: str, value: Any, dag_id: str = "dag", run_id: str = "run", task_id: str = "task", map_index: int = -1
    ) -> None:
        """Write a value of a task's state store, as :meth:`store` writes XComs; what was there is replaced."""
        self.stored += 1
        row = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index, "key": key}
        with create_session(scoped=False) as session:
            row["dag_run_id"] = _run(session, dag_id, run_id)
            session.execute(delete(TaskStateStoreModel).filter_by(**row))
            written = {"updated_at": AT + timedelta(seconds=self.stored), "value": _text(value)}
            session.execute(insert(TaskStateStoreModel.__table__).values(row | written))

    def end(self, dag_id: str = "dag", *, task_id: str, state: str) -> None:
        """Let a task end in a state."""
        with create_session(scoped=False) as session:
            of = (TaskInstance.dag_id == dag_id, TaskInstance.task_id == task_id)
            session.execute(update(TaskInstance).where(*of).values(state=state))

    def forget(self) -> None:
        """Remove all tasks."""
        with create_session(scoped=False) as session:
            states = () if TaskStateStoreModel is None else (TaskStateStoreModel,)
            for model in (*states, XComModel, RenderedTaskInstanceFields, TaskInstance, DagRun, DagModel):
                session.execute(delete(model))


class Stored(str):
    """The text of an XCom as the database keeps it."""

    __slots__ = ()


def _text(value: Any) -> Any:
    return literal(value if isinstance(value, Stored) else json.dumps(value), Text())


def _run(session: Any, dag_id: str, run_id: str) -> int:
    if session.scalar(select(DagBundleModel).where(DagBundleModel.name == "tests")) is None:
        session.add(DagBundleModel(name="tests"))
        session.flush()
    if session.get(DagModel, dag_id) is None:
        session.add(DagModel(dag_id=dag_id, bundle_name="tests"))
        session.flush()
    known = session.scalar(select(DagRun.id).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
    if known is None:
        values = {"dag_id": dag_id, "run_id": run_id, "run_type": "manual", "run_after": AT}
        known = session.execute(insert(DagRun.__table__), values).inserted_primary_key[0]
    return int(known)


@contextmanager
def running_api_server() -> Iterator[ApiServer]:
    """Run the server; its configuration is the environment's."""
    initdb()
    app = create_app("core")
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
    socket = server.config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the API server did not start"
        time.sleep(0.01)
    try:
        yield ApiServer(f"http://127.0.0.1:{socket.getsockname()[1]}", app)
    finally:
        server.should_exit = True
        thread.join()
        socket.close()
        purge_cached_app()
