# SPDX-License-Identifier: Apache-2.0
"""The arguments of a batch as one value, for all that works with them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

from airflow_provider_videoai.batches.items import Item, items_of
from airflow_provider_videoai.hooks.hook_class import hook_class
from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.jobs.request import JobRequest

__all__ = ["BatchArguments"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchArguments:
    """What a user gave :class:`~airflow_provider_videoai.operators.batch.VideoBatchOperator`, under the same names.

    The operator checks them, and says what each means; Airflow renders those that are templated. Times are seconds.
    """

    vendor: str
    operation: str
    conn_id: str
    input_conn_id: str | None
    requests: Any
    common: Any
    check_inputs: bool
    check_media: bool
    max_in_flight: int | None
    tolerate: int | str
    destination: str | None
    manifest: str | None
    skip_existing: bool
    overwrite: bool
    verify: bool
    on_failed: str
    deferrable: bool
    poll_interval: float | None
    job_timeout: float
    quota_timeout: float
    on_uncertain_submit: str

    @classmethod
    def of(cls, task: object) -> Self:
        """Return the arguments that a task has now.

        :param task: a batch's operator.
        """
        return cls(**{each.name: getattr(task, each.name) for each in fields(cls)})

    @property
    def hook_class(self) -> type[VideoJobHook]:
        """The hook of the vendor."""
        return hook_class(self.vendor)

    @property
    def request_class(self) -> type[JobRequest]:
        """The request of the operation."""
        return self.hook_class.vendor_class.requests[self.operation]

    def items(self) -> list[Item]:
        """Read and validate the requests.

        :raises InvalidRequest: naming the first broken rows.
        :raises StorageFailed: if the store of a file failed.
        """
        return items_of(
            self.requests,
            request_class=self.request_class,
            vendor=self.vendor,
            conn_id=self.conn_id,
            common=self.common,
        )
