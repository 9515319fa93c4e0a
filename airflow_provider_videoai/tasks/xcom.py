# SPDX-License-Identifier: Apache-2.0
"""Hand values to Airflow: find out first whether it can carry them, and let no mere display fail a task."""

from __future__ import annotations

import json
from typing import Any, Protocol

from airflow.sdk.bases.xcom import BaseXCom

from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.values.printable import shortened

__all__ = ["obstacle_to", "show"]


class _CanPush(Protocol):
    def xcom_push(self, key: str, value: Any) -> None:
        """Write an XCom of the task."""


def obstacle_to(value: Any) -> Exception | None:
    """Return what keeps Airflow from carrying a value as XCom or event; ``None`` if nothing does.

    The value goes the way of a real one, short of the sockets and the database: through Airflow's serializer, the
    message of an XCom, the frame between Airflow's processes, and JSON as PostgreSQL takes it.

    :param value: what is to be carried.
    """
    from airflow.sdk.execution_time.comms import SetXCom

    try:
        serialized: Any = BaseXCom.serialize_value(value)
        message = SetXCom(key="value", value=serialized, dag_id="", run_id="", task_id="")
        _check_frame(message.model_dump())
        if "\\u0000" in json.dumps(serialized, allow_nan=False):
            return ValueError("a NUL, which PostgreSQL does not take")
    except Exception as refused:  # noqa: BLE001 - whatever an encoder raises is the obstacle
        return refused
    return None


def _check_frame(body: dict[str, Any]) -> None:
    try:
        from airflow.sdk.execution_time.comms import _RequestFrame
    except ImportError:  # a private name: what it encodes with is not
        import msgspec

        msgspec.msgpack.encode(body)
    else:
        _RequestFrame(id=0, body=body).as_bytes()


def show(task_instance: _CanPush, key: str, value: Any, log: Log) -> None:
    """Push an XCom that is only displayed; if that fails, say so in the log and go on.

    :param task_instance: the running task's.
    :param key: the XCom's key.
    :param value: JSON values.
    :param log: where a failure is said.
    """
    try:
        task_instance.xcom_push(key=key, value=value)
    except Exception as failure:  # noqa: BLE001 - what is only displayed is not worth the job's task
        log.warning("Could not write XCom %r: %s: %s", key, type(failure).__name__, shortened(str(failure)))
