# SPDX-License-Identifier: Apache-2.0
"""What an attempt can know of those before it beside their record: was the task cleared, did anybody have a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_videoai import airflow_compat

__all__ = ["may_be_forgotten", "nobody_had_a_result"]


def may_be_forgotten(context: Mapping[str, Any]) -> bool:
    """Return whether a person's clear may have discarded what earlier attempts of the task stored.

    Airflow 3.4 does that unless the clear keeps the task's state, and gives the copies of a mapped task that is
    cleared as a whole a new, empty store in any case. Where a record is found, it was kept.

    :param context: Airflow's, of the running task.
    """
    if not airflow_compat.AIRFLOW_V_3_4_PLUS or context.get("task_state_store") is None:
        return False
    return _tries_before_the_clear(context) > 0


def nobody_had_a_result(context: Mapping[str, Any]) -> bool:
    """Return whether the attempt before this one surely left no result in Airflow, although its job may have succeeded.

    That is so of a retry. After a clear it is so if the task had no return value then: it was marked failed while the
    triggerer waited, say. What cannot be known counts as a result.

    :param context: Airflow's, of the running task.
    """
    # The record alone does not say it: "finished" is written before Airflow has the result, and the triggerer, which
    # may end a task, cannot write it at all.
    if context["ti"].try_number > _tries_before_the_clear(context) + 1:
        return True
    keys = _xcoms_of_the_attempt_before(context["ti"])
    return keys is not None and bool(context["task"].do_xcom_push) and "return_value" not in keys


def _tries_before_the_clear(context: Mapping[str, Any]) -> int:
    """Return how many tries the task had when a person cleared it last; 0 if nobody did."""
    # A clear adds them to the task's retries; nothing else lets it have more.
    return max(0, int(context["ti"].max_tries) - int(context["task"].retries or 0))


def _xcoms_of_the_attempt_before(task_instance: Any) -> list[str] | None:
    """Return the keys that Airflow found, and removed, when this attempt began; ``None`` if that is not known."""
    # Airflow's own worker removes them by this list. It has no public name for it: without one nothing is known.
    server = getattr(task_instance, "_ti_context_from_server", None)
    keys = getattr(server, "xcom_keys_to_clear", None)
    # Not of an attempt that goes on after a deferral or a reschedule: they were removed when it began.
    goes_on = getattr(server, "next_method", None) or getattr(server, "task_reschedule_count", 0)
    return None if goes_on else keys
