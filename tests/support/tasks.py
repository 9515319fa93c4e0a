# SPDX-License-Identifier: Apache-2.0
"""Tasks that live in segments.

Airflow runs a deferred task in several processes: a worker, the triggerer, another worker. :class:`Task` does the
same without a database: each segment gets an operator of its own, and only what Airflow would carry over (XComs, the
task state store, the trigger's arguments, the event) reaches the next.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any, cast

import airflow.sdk
import pytest
from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk.bases.operator import BaseOperator, ExecutorSafeguard
from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

from airflow_provider_videoai.airflow_compat import AIRFLOW_V_3_3_PLUS
from tests.support.which_airflow import TaskDeferred, deserialize, serialize

if not AIRFLOW_V_3_3_PLUS:
    # The store below takes what Airflow's own takes: with it, an older one shows the same as 3.3, without it its own.
    airflow.sdk.NEVER_EXPIRE = timedelta.max  # type: ignore[attr-defined]


class StateStore:
    """Stands in for Airflow's task state store: JSON values that outlive every attempt."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.asked = 0

    def get(self, key: str) -> Any:
        self.asked += 1
        return json.loads(self.values.get(key, "null"))

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        self.asked += 1
        assert retention is not None, "kept for too short a time: a forgotten record is a second purchase"
        self.values[key] = json.dumps(value)

    def delete(self, key: str) -> None:
        self.values.pop(key, None)


@dataclass
class TaskInstance:
    """The part of Airflow's task instance that a task may use, over the XComs of its DAG run."""

    xcoms: dict[tuple[str, int, str], str]
    run_id: str
    task_id: str = "make"
    map_index: int = -1
    dag_id: str = "pipeline"
    try_number: int = 0
    max_tries: int = 0
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    _ti_context_from_server: Any = None

    def begin(self) -> None:
        """Do what Airflow does when a worker begins an attempt: count it, and remove the XComs of the last one."""
        mine = [key for key in self.xcoms if key[:2] == (self.task_id, self.map_index)]
        self._ti_context_from_server = SimpleNamespace(
            xcom_keys_to_clear=[key for *_, key in mine], next_method=None, task_reschedule_count=0
        )
        for key in mine:
            del self.xcoms[key]
        self.try_number += 1

    def go_on(self, method: str) -> None:
        """Do what Airflow does when a worker goes on with an attempt that deferred."""
        self._ti_context_from_server = SimpleNamespace(
            xcom_keys_to_clear=[], next_method=method, task_reschedule_count=0
        )

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[self.task_id, self.map_index, key] = json.dumps(value)

    def xcom_pull(self, task_ids: str | None = None, *, key: str = "return_value", map_indexes: int = -1) -> Any:
        return json.loads(self.xcoms.get((task_ids or self.task_id, map_indexes, key), "null"))

    def get_first_reschedule_date(self, _context: Any) -> datetime:
        return self.started


@dataclass
class Task:
    """One task instance over all its tries. ``make`` gives an operator, as each process parses one for itself."""

    make: Callable[[], BaseOperator]
    ti: TaskInstance
    store: StateStore | None = field(default_factory=StateStore)
    events: list[TriggerEvent] = field(default_factory=list)
    deferrals: list[TaskDeferred] = field(default_factory=list)
    outlet_events: dict[Any, Any] = field(default_factory=lambda: defaultdict(SimpleNamespace))
    dag_run: Any = None

    @property
    def context(self) -> Any:
        store = {} if self.store is None else {"task_state_store": self.store}
        task = {"ti": self.ti, "task_instance": self.ti, "dag_run": self.dag_run}
        return {**task, "outlet_events": self.outlet_events, **store}

    def _context_of(self, operator: BaseOperator) -> Any:
        return {**self.context, "task": operator}

    def clear(self, *, keep_state: bool) -> None:
        """Do what Airflow 3.4 does if a person clears the task, whose tries go on counting."""
        self.ti.max_tries = self.ti.try_number + (self.make().retries or 0)
        if not keep_state and self.store is not None:
            self.store.values.clear()

    def start(self) -> Any:
        """Begin a new attempt on a worker; may raise ``TaskDeferred``."""
        self.ti.begin()
        return self._on_a_worker(lambda operator: operator.execute(self._context_of(operator)))

    def defer(self) -> TaskDeferred:
        """Begin a new attempt that must defer."""
        with pytest.raises(TaskDeferred) as deferred:
            self.start()
        return deferred.value

    def run(self) -> Any:
        """Begin a new attempt and see it through; returns what it returns."""
        try:
            return self.start()
        except TaskDeferred as deferred:
            return self.go_on(deferred)

    def go_on(self, deferred: TaskDeferred) -> Any:
        """Wait as the triggerer does, then resume on a worker; again and again if need be."""
        while True:
            self.deferrals.append(deferred)
            event = asyncio.run(self.fire(deferred.trigger))
            if isinstance(event, TaskSuccessEvent):
                xcoms: Mapping[str, Any] = event.xcoms or {}
                for key, value in xcoms.items():
                    self.ti.xcom_push(key, value)
                return xcoms["return_value"]
            try:
                return self.resume(deferred, event.payload)
            except TaskDeferred as again:
                deferred = again

    def resume(self, deferred: TaskDeferred, payload: Any) -> Any:
        """Resume the task after its deferral; may raise ``TaskDeferred``."""
        arguments = {**(deferred.kwargs or {}), "event": json.loads(json.dumps(payload, default=str))}
        self.ti.go_on(deferred.method_name)
        return self._on_a_worker(
            lambda operator: operator.resume_execution(deferred.method_name, arguments, self._context_of(operator))
        )

    async def fire(self, trigger: BaseTrigger) -> TriggerEvent:
        """Run a trigger, created again from what Airflow stores of it, until its only event."""
        revived = revive(trigger)
        revived.task_instance = SimpleNamespace(
            dag_id=self.ti.dag_id, run_id=self.ti.run_id, task_id=self.ti.task_id, map_index=self.ti.map_index
        )
        if isinstance(revived, DateTimeTrigger):  # a clock of Airflow's own, and not worth a test's time
            return TriggerEvent(revived.moment)
        events = [event async for event in revived.run()]
        assert len(events) == 1, "a trigger that lingers after its event is taken for a killed one"
        self.events += events
        return events[0]

    def _on_a_worker(self, work: Callable[[BaseOperator], Any]) -> Any:
        operator = self.make()
        try:
            with _on_a_worker(operator):
                returned = work(operator)
            if operator.do_xcom_push:  # its value is what the caller gets
                self.ti.xcoms[self.ti.task_id, self.ti.map_index, "return_value"] = "null"
            return returned
        finally:
            for link in operator.operator_extra_links:
                self.ti.xcom_push(link.xcom_key, link.get_link(operator, ti_key=cast(Any, self.ti)))


def execute(operator: BaseOperator, **context: Any) -> Any:
    """Run an operator that ends in one segment; returns what it returns. Without a ``ti`` it can push no XCom."""
    with _on_a_worker(operator):
        return operator.execute(cast(Any, {"ti": None, **context}))


@contextmanager
def _on_a_worker(operator: BaseOperator) -> Iterator[None]:
    token = ExecutorSafeguard.tracker.set(operator)
    try:
        yield
    finally:
        ExecutorSafeguard.tracker.reset(token)


def revive(trigger: BaseTrigger) -> Any:
    """Send a trigger through the database: class path and arguments, by Airflow's own serialization."""
    class_path, arguments = trigger.serialize()
    stored = json.dumps(serialize(arguments))
    return _class_at(class_path)(**cast(dict[str, Any], deserialize(json.loads(stored))))


def _class_at(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)
