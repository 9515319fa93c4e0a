# SPDX-License-Identifier: Apache-2.0
"""What every vendor's operator does: submit a job once, wait for it without a worker, return its result."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.operators.job_task import JobTask
from airflow_provider_videoai.tasks.arguments import choice, connection_id, flag, seconds
from airflow_provider_videoai.tasks.templated import Text
from airflow_provider_videoai.uploads.media_check import check_arguments_for

__all__ = ["JOB_TIMEOUT", "QUOTA_TIMEOUT", "VideoJobOperator"]

JOB_TIMEOUT = timedelta(hours=24)
QUOTA_TIMEOUT = timedelta(hours=1)


class VideoJobOperator(JobTask):
    """Base of the vendors' operators: a subclass names its hook and request, and takes the request's fields.

    Returns a :class:`~airflow_provider_videoai.jobs.model.JobResult` as a dict, and pushes XCom ``job_id`` right after
    the submit. A job that an earlier attempt of the task bought is found again, not bought again.

    :param conn_id: the Airflow connection of the account. (templated, under the vendor's own name)
    :param input_conn_id: the Airflow connection of inputs in a store (``s3://bucket/key``) whose URL names none. They
        are signed when a job is bought, for as long as ``job_timeout``: an hour at least, 7 days at most. (templated)
    :param check_inputs: before a job is bought, request a byte of each URL that the vendor will fetch, and fail with
        ``InvalidRequest`` if it does not open.
    :param deferrable: wait in the triggerer, without a worker slot.
    :param wait_for_completion: ``False`` returns after the submit; wait with the vendor's sensor.
    :param poll_interval: fixed time between two status requests (timedelta or seconds), never below the vendor's floor;
        ``None`` adapts.
    :param job_timeout: how long the job may take (timedelta or seconds), counted from its submit.
    :param quota_timeout: how long to wait for a vendor whose queue is full, or for a lease if the account's jobs in
        flight are limited (timedelta or seconds).
    :param on_uncertain_submit: after a submit whose answer was lost, ``fail`` or ``resubmit`` at the next attempt.
    :param on_finished_job: when the task runs again after success, ``reuse`` the finished job or ``resubmit``.
    :param finish_in_triggerer: end a successful task in the triggerer, without a second worker start. Airflow calls no
        listeners of such an end. A task with outlets, ``on_success_callback`` or ``post_execute`` ends on a worker.
    :param cancel_on_kill: cancel the job if a person ends the task while it waits, at a vendor that documents how.
        Airflow before 3.3 ends a deferred task without a word, and so without a cancel.
    :raises InvalidRequest: for an argument or a field that breaks its rule.
    """

    def __init__(
        self,
        *,
        conn_id: Text,
        input_conn_id: Text | None = None,
        check_inputs: bool = False,
        deferrable: bool = True,
        wait_for_completion: bool = True,
        poll_interval: timedelta | float | None = None,
        job_timeout: timedelta | float = JOB_TIMEOUT,
        quota_timeout: timedelta | float = QUOTA_TIMEOUT,
        on_uncertain_submit: Literal["fail", "resubmit"] = "fail",
        on_finished_job: Literal["reuse", "resubmit"] = "reuse",
        finish_in_triggerer: bool = False,
        cancel_on_kill: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.conn_id = connection_id(self.hook_class.conn_name_attr, conn_id)
        self.input_conn_id = None if input_conn_id is None else connection_id("input_conn_id", input_conn_id)
        self.check_inputs = flag("check_inputs", check_inputs)
        self.deferrable = flag("deferrable", deferrable)
        self.wait_for_completion = flag("wait_for_completion", wait_for_completion)
        self.poll_interval = None if poll_interval is None else seconds("poll_interval", poll_interval)
        self.job_timeout = seconds("job_timeout", job_timeout)
        self.quota_timeout = seconds("quota_timeout", quota_timeout)
        self.on_uncertain_submit = choice("on_uncertain_submit", on_uncertain_submit, ("fail", "resubmit"))
        self.on_finished_job = choice("on_finished_job", on_finished_job, ("reuse", "resubmit"))
        self.finish_in_triggerer = flag("finish_in_triggerer", finish_in_triggerer)
        self.cancel_on_kill = flag("cancel_on_kill", cancel_on_kill)
        if self.cancel_on_kill and not self.hook_class.vendor_class.can_cancel():
            title = self.hook_class.vendor_class.title
            raise InvalidRequest(f"cancel_on_kill: must be False, not True: {title} documents no way to cancel a job")
        check_arguments_for(self.request_class, input_conn_id=self.input_conn_id, check_inputs=self.check_inputs)
