# SPDX-License-Identifier: Apache-2.0
"""Airflow's own ways from process to process and into the database, short of the sockets."""

from __future__ import annotations

import json
from typing import Any

import httpx
from airflow.jobs import triggerer_job_runner
from airflow.jobs.triggerer_job_runner import messages
from airflow.models.xcom import XComModel
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.execution_time.comms import SetXCom, _RequestFrame
from airflow.triggers.base import TaskSuccessEvent, TriggerEvent


def carry_event(event: TriggerEvent) -> Any:
    """Take a trigger's event to the database; raise what Airflow raises if it cannot be carried."""
    changes = messages.TriggerStateChanges(events=[_entry(1, event)])
    _RequestFrame(id=0, body=changes.model_dump()).as_bytes()
    if isinstance(event, TaskSuccessEvent):
        return {key: _stored(XComModel.serialize_value(value)) for key, value in (event.xcoms or {}).items()}
    return _stored(json.dumps(event.payload))


def carry_xcom(value: Any) -> Any:
    """Push an XCom from a worker or a trigger."""
    message = SetXCom(key="k", value=BaseXCom.serialize_value(value), dag_id="d", run_id="r", task_id="t")
    _RequestFrame(id=0, body=message.model_dump()).as_bytes()
    return _stored(httpx.Request("POST", "http://api.test", json=message.value).content.decode())


def _stored(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"PostgreSQL takes no {constant}")

    if "\\u0000" in text.replace("\\\\", ""):
        raise ValueError("PostgreSQL takes no NUL")
    return json.loads(text, parse_constant=refuse)


def _entry(trigger_id: int, event: TriggerEvent) -> Any:
    entry = getattr(triggerer_job_runner, "TriggerEventEntry", None)  # since 3.3
    return (trigger_id, event) if entry is None else entry(trigger_id, event, persist_seq=None)
