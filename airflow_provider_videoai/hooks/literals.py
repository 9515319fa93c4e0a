# SPDX-License-Identifier: Apache-2.0
"""Tell a literal argument, which can be checked when the DAG is parsed, from one that is rendered later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_JINJA = ("{{", "{%", "{#")


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
