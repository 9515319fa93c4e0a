# SPDX-License-Identifier: Apache-2.0
"""What every vendor's hook does: submit a job, query its status, fetch its result; blocking and async alike."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from airflow.sdk import BaseHook

from airflow_provider_videoai.hooks.account import account_of
from airflow_provider_videoai.hooks.connection_lookup import connection_lookup
from airflow_provider_videoai.hooks.ledger import aledger, ledger
from airflow_provider_videoai.jobs.errors import InvalidRequest, JobNotFound, VideoAIError, failure_of
from airflow_provider_videoai.jobs.http.rate_limit import RateLimit
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.model import JobResult, JobState, JobStatus
from airflow_provider_videoai.jobs.protocol.call import Flow
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from airflow_provider_videoai.jobs.request import JobRequest
from airflow_provider_videoai.jobs.values.printable import shortened, shown
from airflow_provider_videoai.uploads.signed_inputs import signed_inputs

if TYPE_CHECKING:
    from airflow_provider_videoai.jobs.ledger.ledger import Ledger

__all__ = ["VideoJobHook"]

T = TypeVar("T")


class VideoJobHook(BaseHook):
    """Base of the vendors' hooks; a subclass names its vendor and its connection type.

    All methods raise :class:`~airflow_provider_videoai.jobs.errors.VideoAIError` and subclasses. Their ``operation`` is
    one of the vendor's operations; without it the vendor's first is meant.

    :param conn_id: the Airflow connection that holds the account.
    """

    vendor_class: ClassVar[type[Vendor]]
    conn_name_attr: ClassVar[str]
    default_conn_name: ClassVar[str]
    conn_type: ClassVar[str]
    hook_name: ClassVar[str]

    def __init__(self, conn_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id
        self._transport: Transport | None = None

    # -- the account ---------------------------------------------------------------------------------------

    @property
    def transport(self) -> Transport:
        """The account's transport; the connection is looked up on first use."""
        if self._transport is None:
            with connection_lookup(conn_id := self._checked_id()):
                connection = self.get_connection(conn_id)
            self._transport = self._open(connection, ledger())
        return self._transport

    async def atransport(self) -> Transport:
        """Return the account's transport; the lookup of the connection does not block the event loop."""
        if self._transport is None:
            # Imported here: a tenth of the time in which a DAG file loads this package, and only event loops need it.
            from airflow.providers.common.compat.connection import get_async_connection

            with connection_lookup(conn_id := self._checked_id()):
                connection = await get_async_connection(conn_id, hook=type(self))
            self._transport = self._open(connection, await aledger())
        return self._transport

    def _checked_id(self) -> str:
        if not isinstance(self.conn_id, str) or not self.conn_id:
            raise InvalidRequest(f"{self.conn_name_attr}: must be a non-empty string: the id of a connection")
        return self.conn_id

    def _open(self, connection: Any, shared: Ledger | None) -> Transport:
        account = account_of(connection, self.vendor_class, self.conn_type)
        vendor = self.vendor_class(account, time.time)
        return Transport(vendor, rate_limit=RateLimit.of(vendor, shared), ledger=shared)

    # -- blocking ------------------------------------------------------------------------------------------

    def submit(self, request: JobRequest | Mapping[str, Any], operation: str | None = None) -> str:
        """Submit a job once. The submit is never repeated by itself after bytes of it may have left.

        No submission record is kept: a task that calls this and is retried or cleared buys another job. An operator's
        task attaches to its job instead.

        Inputs in a store (``s3://conn@bucket/key``) are sent as URLs that are signed for 24 hours.

        :param request: the operation's request, or its fields by name.
        :param operation: the operation of a request that is given as fields.
        :returns: the job's id.
        :raises InvalidRequest: before anything is sent.
        :raises StorageFailed: if the store of an input failed; nothing was sent.
        :raises SubmitRejected: if the vendor refused it; nothing was bought.
        :raises SubmitUncertain: if the answer was lost; the job may have been bought.
        """
        vendor = self.transport.vendor
        ready = signed_inputs(_validated(vendor, request, operation))
        return self._log_submit(ready, self.transport.run(vendor.buy(ready, None)))

    def status(self, job_id: str, operation: str | None = None) -> JobStatus:
        """Query the status of one job.

        :param job_id: the job.
        :param operation: its operation; the vendor's first, if left out.
        :raises JobNotFound: if the job id is unknown to the vendor.
        :raises VendorUnavailable: if there is no readable answer.
        """
        return _only(self.statuses([job_id], operation), job_id, self.vendor_class)

    def statuses(self, job_ids: Iterable[str], operation: str | None = None) -> dict[str, JobStatus]:
        """Query the status of many jobs, in as few requests as the vendor allows.

        :param job_ids: any number; doubles are queried once.
        :param operation: their operation; the vendor's first, if left out.
        :returns: the statuses by job id; jobs that are unknown to the vendor are missing.
        """
        vendor, found = self.transport.vendor, dict[str, JobStatus]()
        for batch in _batches(vendor, job_ids):
            found |= self.transport.run(vendor.statuses(_operation(vendor, operation), batch))
        return found

    def result(self, job_id: str, operation: str | None = None) -> JobResult:
        """Fetch a job's result, with fresh URLs; before the job has ended, its state and no URL.

        :param job_id: the job.
        :param operation: its operation; the vendor's first, if left out.
        :raises JobFailed: if the job failed or was aborted.
        :raises JobNotFound: if the job id is unknown to the vendor.
        """
        status = self.status(job_id, operation)
        return self.transport.run(self.completed(self.transport.vendor, status, operation))

    # -- async ---------------------------------------------------------------------------------------------

    async def asubmit(self, request: JobRequest | Mapping[str, Any], operation: str | None = None) -> str:
        """Submit a job once and return its id; see :meth:`submit`."""
        transport = await self.atransport()
        ready = _validated(transport.vendor, request, operation)
        if ready.stored_inputs():
            ready = await asyncio.to_thread(signed_inputs, ready)
        return self._log_submit(ready, await transport.arun(transport.vendor.buy(ready, None)))

    def _log_submit(self, request: JobRequest, job_id: str) -> str:
        self.log.info(
            "Submitted %s job %s to %s by its hook, which keeps no submission record: a retry of the code that called "
            "it submits, and pays for, another job",
            request.operation,
            shortened(job_id),
            self.vendor_class.title,
        )
        return job_id

    async def astatus(self, job_id: str, operation: str | None = None) -> JobStatus:
        """Query the status of one job; see :meth:`status`."""
        return _only(await self.astatuses([job_id], operation), job_id, self.vendor_class)

    async def astatuses(self, job_ids: Iterable[str], operation: str | None = None) -> dict[str, JobStatus]:
        """Query the status of many jobs; see :meth:`statuses`."""
        transport = await self.atransport()
        vendor, found = transport.vendor, dict[str, JobStatus]()
        for batch in _batches(vendor, job_ids):
            found |= await transport.arun(vendor.statuses(_operation(vendor, operation), batch))
        return found

    async def aresult(self, job_id: str, operation: str | None = None) -> JobResult:
        """Fetch a job's result; see :meth:`result`."""
        status = await self.astatus(job_id, operation)
        transport = await self.atransport()
        return await transport.arun(self.completed(transport.vendor, status, operation))

    @staticmethod
    def completed(
        vendor: Vendor, status: JobStatus, operation: str | None = None, submitted_at: float | None = None
    ) -> Flow[JobResult]:
        """Make a job's result of its last status.

        :param vendor: the vendor of the job.
        :param status: the last status.
        :param operation: the operation, or the name that the job is polled as.
        :param submitted_at: epoch seconds, if known.
        :raises JobFailed: if the job failed or was aborted.
        """
        operation = _operation(vendor, operation)
        if status.state in (JobState.FAILED, JobState.ABORTED):
            raise failure_of(status, vendor.title)
        finished_at = None
        if status.state is JobState.SUCCEEDED:
            status = yield from vendor.result(operation, status)
            finished_at = vendor.clock()
        return JobResult.of(
            status,
            vendor=vendor.key,
            operation=vendor.require(operation).operation,
            submitted_at=submitted_at,
            finished_at=finished_at,
        )

    def test_connection(self) -> tuple[bool, str]:
        """Test the connection with the cheapest authenticated call, which buys nothing.

        :returns: whether the vendor accepted the credentials, and a sentence that says so or why not.
        """
        try:
            proven = self.transport.run(self.transport.vendor.probe())
        except VideoAIError as failure:
            # The connection under Airflow's Test button has a made-up id, which no user has seen.
            return False, failure.message.replace(f"connection {self.conn_id!r}", "this connection")
        return True, f"{proven}. Nothing was bought."


def _operation(vendor: Vendor, operation: str | None) -> str:
    if operation is None:
        return vendor.operation
    if not isinstance(operation, str):
        raise InvalidRequest(f"operation: must be a string, not {shown(operation)}")
    vendor.require(operation or vendor.operation)
    return operation or vendor.operation


def _validated(vendor: Vendor, request: JobRequest | Mapping[str, Any], operation: str | None) -> JobRequest:
    if isinstance(request, JobRequest):
        if not isinstance(request, vendor.require(request.operation)):
            raise InvalidRequest(f"{type(request).__name__} is not a request of {vendor.title}")
        return request
    if not isinstance(request, Mapping) or not all(isinstance(name, str) for name in request):
        raise InvalidRequest(f"request: must be a request of {vendor.title}, or its fields by name")
    return vendor.require(_operation(vendor, operation)).parse(request)


def _batches(vendor: Vendor, job_ids: Iterable[str]) -> Iterable[list[str]]:
    if isinstance(job_ids, str | bytes | Mapping) or not isinstance(job_ids, Iterable):
        raise InvalidRequest(f"job_ids: must be a list of job ids, not {shown(job_ids)}")
    wanted = list(job_ids)
    # All before the first request: one bad id would otherwise fail a batch after others were queried.
    for job_id in wanted:
        vendor.check_job_id(job_id)
    # After the check: an id that is not hashable gets the error of its rule and not a TypeError.
    wanted = list(dict.fromkeys(wanted))
    for start in range(0, len(wanted), vendor.batch_size):
        yield wanted[start : start + vendor.batch_size]


def _only(found: Mapping[str, JobStatus], job_id: str, vendor: type[Vendor]) -> JobStatus:
    if job_id not in found:
        raise JobNotFound(f"job {job_id!r} is unknown to {vendor.title}", job_id=job_id)
    return found[job_id]
