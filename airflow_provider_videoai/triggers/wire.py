# SPDX-License-Identifier: Apache-2.0
"""Prove, before a job is bought, that Airflow can carry the trigger which is to wait for it.

Airflow writes a trigger's arguments when the task defers, and each version in its own way. What it cannot write would
fail the task after the submit. JSON scalars of Python's own types are what every version writes and reads back equal.
"""

from __future__ import annotations

from typing import Any

from airflow.triggers.base import BaseTrigger

from airflow_provider_videoai.jobs.errors import InvalidRequest

_WIDEST = 2**63


def check_arguments(trigger: BaseTrigger) -> None:
    """Raise :class:`InvalidRequest`, naming the argument, where one of the trigger's is no JSON scalar."""
    _, arguments = trigger.serialize()
    for name, value in arguments.items():
        if not _travels(value):
            shown = repr(value) if type(value) in (int, float) else f"a {type(value).__name__}"
            raise InvalidRequest(
                f"{name}: must be a plain str, bool, finite number or None to reach the triggerer, not {shown}; "
                "nothing was sent, nothing was bought"
            )


def _travels(value: Any) -> bool:
    # Not isinstance: of a subclass Airflow writes something else than the value, or nothing at all.
    if type(value) in (int, float):
        return bool(-_WIDEST <= value < _WIDEST)  # false for NaN as well
    return value is None or type(value) in (str, bool)
