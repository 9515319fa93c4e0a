# SPDX-License-Identifier: Apache-2.0
"""Thousands of jobs in one task: submitted, waited for and kept, each paid for once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from os import PathLike
from typing import Any, Literal

from airflow.sdk import BaseOperatorLink, ObjectStoragePath
from typing_extensions import override

from airflow_provider_videoai.batches.arguments import BatchArguments
from airflow_provider_videoai.batches.kept import check_destination
from airflow_provider_videoai.batches.manifest import check_path
from airflow_provider_videoai.batches.tolerance import Tolerance
from airflow_provider_videoai.hooks.hook_class import hook_class
from airflow_provider_videoai.links import JOB_LINK
from airflow_provider_videoai.operators.batch_task import BatchTask
from airflow_provider_videoai.operators.job import JOB_TIMEOUT, QUOTA_TIMEOUT
from airflow_provider_videoai.registry import VENDORS
from airflow_provider_videoai.tasks.arguments import choice, connection_id, count, flag, operation_of, seconds
from airflow_provider_videoai.tasks.template_literals import is_rendered_later
from airflow_provider_videoai.tasks.templated import Fields, Reference, Text
from airflow_provider_videoai.transfers.outlets import add_outlet
from airflow_provider_videoai.uploads.media_check import check_arguments_for

__all__ = ["VideoBatchOperator"]

_MOST_IN_FLIGHT = 5_000
_CHECKED_WHEN_PARSED = 100
"""Requests of a list that are validated when the DAG is parsed; more of them would slow each parsing down."""


class VideoBatchOperator(BatchTask):
    """Submit many jobs of one operation, wait for all of them, and keep their results.

    Every job is paid for once, however often the task is killed, cleared or retried: an attempt attaches to what runs,
    uses what ended, and buys what is missing. Of a list that was changed it buys the new rows. Without a worker slot
    while all jobs are in flight.

    Returns how many items there are, how many succeeded, failed and were skipped, how many of those that succeeded an
    earlier attempt had taken in, what the jobs used as far as the vendor says, and the path of the manifest:
    ``{"vendor", "operation", "total", "succeeded", "failed", "skipped", "reused", "usage", "manifest"}``.

    :param vendor: the vendor's key, ``viitor`` say.
    :param operation: what the jobs do; may be left out if the vendor has one operation.
    :param conn_id: the Airflow connection of the account; ``None``: the vendor's default one. (templated)
    :param input_conn_id: the Airflow connection of inputs in a store (``s3://bucket/key``) whose URL names none. They
        are signed when a job is bought, for as long as ``job_timeout``: an hour at least, 7 days at most. (templated)
    :param requests: the fields of each job's request, and perhaps an ``item_id``: a list of dicts, the output of a
        task (also of a mapped one), or the path or URL of a JSONL, JSON or CSV file. (templated)
    :param common: fields that all requests share. (templated)
    :param check_inputs: before a job is bought, request a byte of each URL that the vendor will fetch; an item whose
        URL does not open fails, and is not bought.
    :param check_media: before a job is bought, compare its media with the vendor's documented limits (Aidge); an item
        that exceeds one fails, and is not bought. Needs the extra ``media``.
    :param max_in_flight: how many jobs may be in flight; ``None``: what the vendor documents, else 100.
    :param tolerate: how many items may fail before the task does: a number, or a share such as ``"5%"``.
    :param destination: where results are kept, ``s3://conn@bucket/folder/{item_id}.mp4`` say; ``None`` keeps none.
        (templated)
    :param manifest: the URL of a ``.jsonl`` file that lists all items and what became of them. (templated)
    :param skip_existing: buy nothing for an item whose copy for the same request is at its destination.
    :param overwrite: replace other files at the destination; ``False`` fails their items instead.
    :param verify: check that a result is video or audio before it is kept; needs the extra ``media``.
    :param on_failed: ``retry`` what failed at the task's next attempt, or ``keep`` it failed.
    :param deferrable: wait in the triggerer, without a worker slot.
    :param poll_interval: fixed time between two status requests of a job; ``None`` adapts.
    :param job_timeout: how long a job may take, counted from its submit.
    :param quota_timeout: for how long the vendor may take no job while none is in flight.
    :param on_uncertain_submit: after a submit whose answer was lost, ``fail`` its item, or ``resubmit`` it at the next
        attempt.
    :raises InvalidRequest: for a wrong argument or request, before anything is bought.
    :raises BatchFailed: if more items failed than are tolerated, when all have ended.
    """

    template_fields: Collection[str] = ("requests", "common", "destination", "manifest", "conn_id", "input_conn_id")
    operator_extra_links: Collection[BaseOperatorLink] = (JOB_LINK,)
    ui_color = "#e8e4f8"

    def __init__(
        self,
        *,
        vendor: str,
        requests: Sequence[Mapping[str, Any]] | str | PathLike[str] | ObjectStoragePath | Reference,
        operation: str | None = None,
        conn_id: Text | None = None,
        input_conn_id: Text | None = None,
        common: Fields | None = None,
        check_inputs: bool = False,
        check_media: bool = False,
        max_in_flight: int | None = None,
        tolerate: int | str = 0,
        destination: Text | None = None,
        manifest: Text | None = None,
        skip_existing: bool = True,
        overwrite: bool = False,
        verify: bool = True,
        on_failed: Literal["retry", "keep"] = "retry",
        deferrable: bool = True,
        poll_interval: timedelta | float | None = None,
        job_timeout: timedelta | float = JOB_TIMEOUT,
        quota_timeout: timedelta | float = QUOTA_TIMEOUT,
        on_uncertain_submit: Literal["fail", "resubmit"] = "fail",
        **kwargs: Any,
    ) -> None:
        vendor = choice("vendor", vendor, tuple(VENDORS))
        account = hook_class(vendor)
        if destination is not None and not is_rendered_later(destination):
            check_destination(destination)
        if manifest is not None and not is_rendered_later(manifest):
            check_path(manifest)
            add_outlet(self, kwargs, manifest)  # before super().__init__(): Airflow reads outlets there
        super().__init__(**kwargs)
        self.vendor = vendor
        self.operation = operation_of(account.vendor_class, operation)
        self.conn_id = connection_id("conn_id", account.default_conn_name if conn_id is None else conn_id)
        self.input_conn_id = None if input_conn_id is None else connection_id("input_conn_id", input_conn_id)
        self.check_inputs = flag("check_inputs", check_inputs)
        self.check_media = flag("check_media", check_media)
        checks = {"check_inputs": self.check_inputs, "check_media": self.check_media}
        request_class = account.vendor_class.requests[self.operation]
        check_arguments_for(request_class, input_conn_id=self.input_conn_id, **checks)
        self.requests = requests
        self.common = common
        self.max_in_flight = None if max_in_flight is None else count("max_in_flight", max_in_flight, _MOST_IN_FLIGHT)
        self.tolerate = tolerate
        Tolerance.read(tolerate)
        self.destination = destination
        self.manifest = manifest
        self.manifest_as_given = manifest  # Airflow replaces the other by what it renders to
        self.skip_existing = flag("skip_existing", skip_existing)
        self.overwrite = flag("overwrite", overwrite)
        self.verify = flag("verify", verify)
        self.on_failed = choice("on_failed", on_failed, ("retry", "keep"))
        self.deferrable = flag("deferrable", deferrable)
        self.poll_interval = None if poll_interval is None else seconds("poll_interval", poll_interval)
        self.job_timeout = seconds("job_timeout", job_timeout)
        self.quota_timeout = seconds("quota_timeout", quota_timeout)
        self.on_uncertain_submit = choice("on_uncertain_submit", on_uncertain_submit, ("fail", "resubmit"))
        known = not any(map(is_rendered_later, (requests, common, conn_id)))
        if known and isinstance(requests, list | tuple) and len(requests) <= _CHECKED_WHEN_PARSED:
            BatchArguments.of(self).items()

    @override
    def text_fields(self) -> Collection[str]:
        return ("destination", "manifest", "conn_id", "input_conn_id")
