# SPDX-License-Identifier: Apache-2.0
"""Refuse an operator that another task's code calls, before anything is sent."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator

from airflow_provider_videoai.jobs.errors import InvalidRequest

__all__ = ["check_own_task"]


def check_own_task(operator: BaseOperator, context: Any, *, nested: bool = False) -> None:
    """Raise :class:`InvalidRequest` unless Airflow runs this operator as a task.

    Inside of another task its deferral would resume that task's operator, which has no method for it, and the
    submission records of two operators would be one.

    :param operator: whose ``execute`` was called.
    :param context: what it was called with.
    :param nested: whether another task may call it, if it passes its own context.
    :raises InvalidRequest: if the context has no task instance, or is that of another operator's task.
    """
    kind = type(operator).__name__
    running = context.get("task") if hasattr(context, "get") else None
    if not hasattr(context, "get") or "ti" not in context:
        wrong = "without the context of a running task"
    elif not nested and isinstance(running, BaseOperator) and type(running) is not type(operator):
        wrong = f"inside of another task, {running.task_id!r}"
    else:
        return
    raise InvalidRequest(
        f"{kind}.execute() was called {wrong}; nothing was sent. An operator has to be a task of its own: create it in "
        "the DAG and leave execute() to Airflow. Inside of a @task, call the vendor's hook"
    )
