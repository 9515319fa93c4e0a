# SPDX-License-Identifier: Apache-2.0
"""Tell a literal argument, which can be checked when the DAG is parsed, from one that is rendered later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_JINJA = ("{{", "{%", "{#")


def plain_source(value: Any) -> tuple[str, str] | None:
    """Return task id and key of a reference to one XCom of a task that is not mapped; ``None`` for anything else."""
    operator, key = getattr(value, "operator", None), getattr(value, "key", None)
    if operator is None or key is None:
        return None
    mapped = getattr(operator, "is_mapped", False) or operator.get_closest_mapped_task_group() is not None
    return None if mapped else (str(operator.task_id), str(key))


def rendered_later(value: Any) -> bool:
    """Return whether a value, or anything inside it, is a template or a reference to another task's result."""
    if isinstance(value, str):
        return any(mark in value for mark in _JINJA)
    if isinstance(value, Mapping):
        return any(map(rendered_later, value.values()))
    if isinstance(value, list | tuple | set):
        return any(map(rendered_later, value))
    # XComArg, DagParam and their kin resolve themselves; Airflow's marker for "not set yet" is a type of its own.
    return hasattr(value, "resolve") or type(value).__name__ in ("ArgNotSet", "SetDuringExecution")
