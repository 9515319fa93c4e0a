# SPDX-License-Identifier: Apache-2.0
"""Make what obtains the job of one item: a submitter with the item's own record and lease."""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow.sdk import Context

from airflow_provider_videoai.batches.items import Item
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.request import JobRequest
from airflow_provider_videoai.jobs.submission.record_store import Store
from airflow_provider_videoai.jobs.submission.submitter import Submitter
from airflow_provider_videoai.jobs.submission.writer import Writer
from airflow_provider_videoai.tasks.job_lease import job_lease_of
from airflow_provider_videoai.uploads.media_check import check_fetchable, check_media
from airflow_provider_videoai.uploads.signed_inputs import signed_inputs

__all__ = ["ItemSubmitters"]


@dataclass(slots=True, kw_only=True)
class ItemSubmitters:
    """Makes the submitters of a batch's items.

    :param context: Airflow's, of the running task.
    :param transport: of the account.
    :param operation: what the jobs do.
    :param priority: the task's priority weight.
    :param on_uncertain_submit: what the next attempt does about a submit whose answer was lost.
    :param job_timeout: seconds for which inputs are signed, at least.
    :param input_conn_id: the Airflow connection of inputs in a store.
    :param check_inputs: before a job is bought, request a byte of each URL that the vendor will fetch.
    :param check_media: before a job is bought, compare the media with the vendor's limits.
    :param log: the task's.
    """

    context: Context
    transport: Transport
    operation: str
    priority: int
    on_uncertain_submit: str
    job_timeout: float
    input_conn_id: str | None
    check_inputs: bool
    check_media: bool
    log: Log
    _writer: Writer = field(init=False)

    def __post_init__(self) -> None:
        task_instance = self.context["ti"]
        self._writer = Writer.here(task_instance.try_number, getattr(task_instance, "hostname", None))

    def __call__(self, item: Item, store: Store) -> Submitter:
        """Return what obtains the job of an item.

        :param item: the item.
        :param store: of the item's record.
        """
        return Submitter(
            transport=self.transport,
            store=store,
            log=self.log,
            on_uncertain_submit=self.on_uncertain_submit,
            writer=self._writer,
            ready=self._ready,
            lease=job_lease_of(self.context, self.transport, self.operation, self.priority, item.item_id),
        )

    def _ready(self, request: JobRequest) -> JobRequest:
        request = signed_inputs(request, job_timeout=self.job_timeout, conn_id=self.input_conn_id)
        account = self.transport.vendor.account
        if self.check_inputs:
            check_fetchable(request, account)
        if self.check_media:
            check_media(request, account)
        return request
