# SPDX-License-Identifier: Apache-2.0
"""Whether a successful task may end in the triggerer: Airflow calls nothing of the user's there."""

from __future__ import annotations

from airflow.sdk import BaseOperator

from airflow_provider_videoai.jobs.log import Log

__all__ = ["ends_in_triggerer"]


def ends_in_triggerer(task: BaseOperator, finish_in_triggerer: object, log: Log | None = None) -> bool:
    """Return whether the trigger is to end a task that succeeded.

    Airflow emits asset events, and calls ``on_success_callback`` and ``post_execute``, only if a worker ends the task.

    :param task: an operator or a sensor; its outlets may grow until the DAG file has been read.
    :param finish_in_triggerer: what the user gave.
    :param log: where to say why a worker ends the task although the user wants the triggerer to.
    """
    given = _for_a_worker(task) if finish_in_triggerer else None
    if given and log is not None:
        log.info("finish_in_triggerer has no effect: this task has %s, for which Airflow needs a worker", given)
    return bool(finish_in_triggerer) and given is None


def _for_a_worker(task: BaseOperator) -> str | None:
    if task.outlets:
        return "outlets"
    if task.on_success_callback:
        return "on_success_callback"
    # Airflow keeps what a user gave as `post_execute=` under the private name.
    own = type(task).post_execute is not BaseOperator.post_execute or getattr(task, "_post_execute_hook", None)
    return "post_execute" if own else None
