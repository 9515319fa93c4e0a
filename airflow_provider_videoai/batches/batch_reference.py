# SPDX-License-Identifier: Apache-2.0
"""What a batch publishes of itself as soon as it runs, so that the page "Video jobs" lists it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from airflow_provider_videoai.files.locations import redacted_path
from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.job_reference import Refusal
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.values.printable import is_printable
from airflow_provider_videoai.links import JOB_LINK, job_url
from airflow_provider_videoai.tasks.xcom import show
from airflow_provider_videoai.triggers.batch_event import COUNTS_KEY

if TYPE_CHECKING:
    from airflow_provider_videoai.batches.batch import Batch
    from airflow_provider_videoai.batches.submits import Submits

__all__ = ["BATCH_REFERENCE_KEY", "BatchReference", "show_counts", "show_reference", "shown_if_refused"]

BATCH_REFERENCE_KEY = "video_batch"
"""The key of the XCom that holds the reference."""

_LONGEST_NAME = 250
_LONGEST_PATH = 8000


class BatchReference(BaseModel):
    """A batch of one account and operation.

    :param vendor: the vendor's key.
    :param operation: what its jobs do.
    :param polled_as: the operation to poll them by.
    :param conn_id: the Airflow connection of their account.
    :param max_in_flight: how many jobs may be in flight; ``None`` if it never began.
    :param manifest: where the manifest is, without a login; to be shown, not to be read by.
    :param refusal: why it never began.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    vendor: str
    operation: str
    polled_as: str
    conn_id: str
    max_in_flight: int | None = Field(default=None, ge=1, le=2**31)
    manifest: str | None = None
    refusal: Refusal | None = None

    @classmethod
    def of(cls, vendor: str, operation: str, conn_id: str, submits: Submits, manifest: object) -> Self:
        """Return the reference of a batch.

        :param vendor: the vendor's key.
        :param operation: what its jobs do.
        :param conn_id: the Airflow connection of their account.
        :param submits: of a batch with one item at least.
        :param manifest: its path; ``None`` if there is none.
        """
        return cls(
            vendor=vendor,
            operation=operation,
            polled_as=submits.batch.items[0].request.polled_as,
            conn_id=conn_id,
            max_in_flight=submits.max_in_flight,
            manifest=None if manifest is None else redacted_path(str(manifest)),
        )

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; :meth:`read` reads them back."""
        return self.model_dump(mode="json")

    @classmethod
    def read(cls, value: Any) -> Self | None:
        """Read what :meth:`to_json` wrote.

        :param value: an XCom, which is outside data.
        :returns: ``None`` for anything else.
        """
        try:
            reference = cls.model_validate(value)
        except ValidationError:
            return None
        names = (reference.vendor, reference.operation, reference.polled_as, reference.conn_id)
        plausible = all(name and len(name) <= _LONGEST_NAME and is_printable(name) for name in names)
        manifest, refusal = reference.manifest, reference.refusal
        plausible = plausible and (manifest is None or _is_line(manifest, _LONGEST_PATH))
        return reference if plausible and (refusal is None or refusal.is_plausible) else None


def _is_line(text: str, longest: int) -> bool:
    return len(text) <= longest and is_printable(text)


@contextmanager
def shown_if_refused(task_instance: Any, log: Log, *, vendor: str, operation: str, conn_id: str) -> Iterator[None]:
    """List a batch in the page that cannot begin for the error of the block, with the reason; the error goes on.

    :param task_instance: the running one.
    :param log: the task's.
    :param vendor: the vendor's key.
    :param operation: what its jobs were to do.
    :param conn_id: the Airflow connection of their account.
    """
    try:
        yield
    except VideoAIError as error:
        reference = BatchReference(
            vendor=vendor,
            operation=operation,
            polled_as=operation,
            conn_id=str(conn_id),  # one that is wrong must not hide the error
            refusal=Refusal.of(error),
        )
        show_reference(task_instance, reference, log)
        raise


def show_counts(task_instance: Any, batch: Batch, log: Log) -> None:
    """Push how far a batch is, for the page; a failure is logged.

    :param task_instance: the running one.
    :param batch: it.
    :param log: the task's.
    """
    show(task_instance, COUNTS_KEY, batch.counts() | {"at": time.time()}, log)


def show_reference(task_instance: Any, reference: BatchReference, log: Log) -> None:
    """List a batch in the page, and let the task's button "Job" lead to it; a failure is logged.

    :param task_instance: the running one.
    :param reference: of the batch.
    :param log: the task's.
    """
    show(task_instance, BATCH_REFERENCE_KEY, reference.to_json(), log)
    show(task_instance, JOB_LINK.xcom_key, job_url(task_instance), log)
