# SPDX-License-Identifier: Apache-2.0
"""Make what obtains the job of one item: a submitter with the item's own record and lease."""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow.sdk import BaseOperator, Context

from airflow_provider_videoai.batches.arguments import BatchArguments
from airflow_provider_videoai.batches.items import Item
from airflow_provider_videoai.jobs.http.transport import Transport
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

    :param given: the arguments of the batch.
    :param task: its operator, as it runs.
    :param context: Airflow's, of the running task.
    :param transport: of the account.
    :param paid_retries: how many jobs may be bought in place of one that failed unseen; ``None`` sets no limit.
    """

    given: BatchArguments
    task: BaseOperator
    context: Context
    transport: Transport
    paid_retries: int | None
    _writer: Writer = field(init=False)

    def __post_init__(self) -> None:
        task_instance = self.context["ti"]
        self._writer = Writer.here(task_instance.try_number, getattr(task_instance, "hostname", None))

    def __call__(self, item: Item, store: Store) -> Submitter:
        """Return what obtains the job of an item.

        :param item: the item.
        :param store: of the item's record.
        """
        priority = int(self.task.priority_weight)
        return Submitter(
            transport=self.transport,
            store=store,
            log=self.task.log,
            on_uncertain_submit=self.given.on_uncertain_submit,
            paid_retries=self.paid_retries,
            writer=self._writer,
            ready=self._ready,
            lease=job_lease_of(self.context, self.transport, self.given.operation, priority, item.item_id),
        )

    def _ready(self, request: JobRequest) -> JobRequest:
        given, account = self.given, self.transport.vendor.account
        request = signed_inputs(request, job_timeout=given.job_timeout, conn_id=given.input_conn_id)
        if given.check_inputs:
            check_fetchable(request, account)
        if given.check_media:
            check_media(request, account)
        return request
