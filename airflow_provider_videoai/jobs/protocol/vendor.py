# SPDX-License-Identifier: Apache-2.0
"""The contract between the engine and a vendor, without any I/O.

A vendor describes each exchange as a :data:`Flow`: a generator that yields a :class:`Call`, is sent the
:class:`Answer`, and returns what it read. Whoever drives it (a worker, an event loop, a test) does the sending.
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeVar

import httpx

from airflow_provider_videoai.jobs.errors import AuthenticationFailed, InvalidRequest, JobNotFound, SubmitUncertain
from airflow_provider_videoai.jobs.model import JobStatus
from airflow_provider_videoai.jobs.protocol.answer_reader import AnswerReader, Verdict
from airflow_provider_videoai.jobs.protocol.call import Flow
from airflow_provider_videoai.jobs.protocol.idempotency import Idempotency
from airflow_provider_videoai.jobs.protocol.options import ConnectionOptions
from airflow_provider_videoai.jobs.protocol.response import SuccessBy
from airflow_provider_videoai.jobs.request import JobRequest
from airflow_provider_videoai.jobs.values.given_value import as_given
from airflow_provider_videoai.jobs.values.printable import shown

__all__ = ["T", "Vendor", "Verdict"]

T = TypeVar("T")


class Vendor(AnswerReader, ABC):
    """One vendor's protocol for one account: how to sign, submit, query, and read answers.

    Subclass it in ``vendors/``. The class attributes are data that the engine reads; the methods return flows.

    :param account: whose credentials sign, and whose options apply.
    :param clock: gives epoch seconds.
    """

    # Sans-IO: a flow is a generator, so the same protocol serves blocking workers and the triggerer's event loop, and
    # is tested without a server.

    key: ClassVar[str]
    title: ClassVar[str]
    default_host: ClassVar[str]
    requests: ClassVar[Mapping[str, type[JobRequest]]]
    """Operation -> its request; the first is the hook's default."""
    errors: ClassVar[Mapping[str, Verdict]]
    """The vendor's documented error codes (as text) of its envelope."""
    known_states: ClassVar[frozenset[str]]
    """The vendor's documented words for a job's state, in lower case; any other is treated as "still running"."""
    login_name: ClassVar[str] = "login"
    password_name: ClassVar[str] = "password"
    batch_size: ClassVar[int] = 1
    """How many jobs one status request can query."""
    requests_per_minute: ClassVar[float | None] = None
    """The documented rate limit; ``None`` if none is documented."""
    limit_per_call: ClassVar[bool] = False
    """True if the limit counts each API by itself."""
    max_jobs_in_flight: ClassVar[Mapping[str, int]] = {}
    """Operation -> how many of its jobs an account may have at a time, where that is documented."""
    login_required: ClassVar[bool] = True
    """False if the vendor identifies an account by its password alone, such as a Bearer key."""
    success_by: ClassVar[SuccessBy] = SuccessBy.STATUS
    """What in an answer says that all went well."""
    idempotency: ClassVar[Idempotency] = Idempotency.NONE
    """What makes a submit whose answer was lost safe to repeat."""
    idempotency_window: ClassVar[float] = 86_400.0
    """Seconds for which the vendor recognises an idempotency key; counted from the first submit with it."""
    options: ClassVar[type[ConnectionOptions]] = ConnectionOptions
    """The model of what a connection's extra may say."""

    # -- what a vendor must say ---------------------------------------------------------------------------

    @property
    @abstractmethod
    def auth(self) -> httpx.Auth:
        """Sign each request afresh."""

    @abstractmethod
    def submit(self, request: JobRequest, key: str | None) -> Flow[str]:
        """Submit a job, once.

        :param request: what to do.
        :param key: by the vendor's :attr:`idempotency`: the job's id, the value of the header, or ``None``.
        :returns: the job's id.
        """

    @abstractmethod
    def statuses(self, operation: str, job_ids: Sequence[str]) -> Flow[dict[str, JobStatus]]:
        """Query the status of jobs.

        :param operation: the operation to poll them by; all are of one.
        :param job_ids: at most ``batch_size``.
        :returns: by job id; a job that is unknown to the vendor is missing.
        """

    @abstractmethod
    def probe(self) -> Flow[str]:
        """Prove the credentials with the cheapest call that buys nothing; return a sentence for the user."""

    def cancel(self, operation: str, job_id: str) -> Flow[bool]:
        """Cancel a job; override it if the vendor documents how.

        :param operation: the operation that it is polled by.
        :param job_id: the job.
        :returns: whether the job will not go on: it was cancelled by this or before, or it has ended.
        """
        raise NotImplementedError(f"{self.title} documents no way to cancel job {job_id!r} of {operation}")

    def result(self, operation: str, status: JobStatus) -> Flow[JobStatus]:  # noqa: ARG002 - overriders need it
        """Complete a succeeded status with its media, if that takes a further call.

        :param operation: the operation that the job was polled by.
        :param status: a succeeded one. CDNetworks' names an id, whose URL comes from its publish call.
        :returns: the status to make a result of.
        """
        yield from ()
        return status

    # -- what all vendors share ---------------------------------------------------------------------------

    @property
    def operation(self) -> str:
        """The operation that is meant when none is named."""
        return next(iter(self.requests))

    @property
    def poll_floor(self) -> float:
        """The shortest interval between two polls of one job, in seconds."""
        # Not a class attribute: CDNetworks' follows from the rate limit of the account.
        return 1.0

    @property
    def rate_limit(self) -> float | None:
        """Requests per minute: the connection's limit, else the documented one."""
        return self.account.options.max_requests_per_minute or self.requests_per_minute

    @property
    def limits_jobs_in_flight(self) -> bool:
        """Whether there is a limit to the jobs in flight of any operation."""
        return bool(self.max_jobs_in_flight) or self.account.options.max_jobs_in_flight is not None

    def in_flight_limit(self, operation: str) -> tuple[str, int] | None:
        """Return how many jobs may be in flight, and of what: the connection's number, else the documented one.

        :param operation: what is about to be submitted.
        :returns: what the limit holds for (an operation with a documented number, else ``*``: all others of the
            account together) and the limit; ``None`` if there is none.
        """
        documented = self.max_jobs_in_flight.get(operation)
        limit = self.account.options.max_jobs_in_flight or documented
        if limit is None:
            return None
        return "*" if documented is None else operation, limit

    def require(self, operation: str) -> type[JobRequest]:
        """Return the request class of an operation.

        :param operation: what the vendor is to do; templates and stored values may hold anything.
        :raises InvalidRequest: if the vendor has no such operation.
        """
        request = self.requests.get(operation) if isinstance(operation, str) else None
        if request is None:
            known = ", ".join(self.requests)
            raise InvalidRequest(f"operation: {self.title} has no operation {shown(operation)}; it has {known}")
        return request

    @classmethod
    def check_job_id(cls, job_id: str) -> None:
        """Check that this can be a job id of the vendor; nothing is sent.

        :param job_id: from a user, a template, an XCom or a record.
        :raises InvalidRequest: if it cannot. Some vendors refuse a whole batch for one wrong id.
        """
        if not _may_be_id(job_id):
            raise InvalidRequest(
                f"job_id: must be a non-empty string without whitespace or unprintable characters, at most "
                f"{_LONGEST_ID} characters, not {as_given(job_id)}"
            )

    @classmethod
    def can_cancel(cls) -> bool:
        """Return whether the vendor documents how to cancel a job."""
        return cls.cancel is not Vendor.cancel

    def query(self, operation: str, job_ids: Sequence[str]) -> Flow[dict[str, JobStatus]]:
        """Query statuses as :meth:`statuses` does.

        :param operation: the operation to poll them by.
        :param job_ids: at most ``batch_size``.
        :returns: by job id; a 404 for the only job is the same as an answer without it.
        """
        try:
            return (yield from self.statuses(operation, job_ids))
        except JobNotFound:
            if len(job_ids) > 1:  # of a batch, a 404 says nothing about a single job
                raise
            return {}

    def buy(self, request: JobRequest, key: str | None) -> Flow[str]:
        """Submit a job, once.

        :param request: what to do.
        :param key: as for :meth:`submit`.
        :returns: the job's id.
        :raises InvalidRequest: if an input is not signed yet; nothing was sent.
        :raises SubmitRejected: if nothing was bought.
        :raises SubmitUncertain: if the answer was lost, or the job was bought under an id that cannot be kept.
        """
        if unsigned := request.stored_inputs():
            raise InvalidRequest(f"{', '.join(unsigned)}: an object in a store must be signed first; nothing was sent")
        if key is None and self.idempotency is Idempotency.HEADER:
            key = uuid.uuid4().hex  # a hook keeps no record, and repeats nothing; the vendor wants a key all the same
        bought = yield from self.submit(request, key)
        # The proof comes after the purchase: the error has to show the id, for a person to find the job by.
        if not _may_be_id(bought):
            raise SubmitUncertain(
                f"{self.title} accepted the job, so it was bought, but gave it an id that can be neither kept nor "
                f"queried: {shown(bought)}"
            )
        return bought

    def require_credentials(self) -> None:
        """Check that the connection has what signs a request; nothing is sent.

        :raises AuthenticationFailed: if its login or password is missing, or cannot be sent.
        """
        login = [(self.account.login, self.login_name)] if self.login_required else []
        for value, name in (*login, (self.account.password, self.password_name)):
            if not value:
                raise AuthenticationFailed(
                    f"connection {self.account.conn_id!r} has no {name}; nothing was sent to {self.title}"
                )
            if not (value.isascii() and value.isprintable()):
                # A header cannot carry it, and the HTTP library's error would show it.
                raise AuthenticationFailed(
                    f"connection {self.account.conn_id!r}: its {name} holds a character that no such key has; "
                    f"nothing was sent to {self.title}"
                )


# Characters; the vendors' own have at most 64.
_LONGEST_ID = 500


def _may_be_id(value: object) -> bool:
    # U+FFFD stands for what could not be read. The space is the only whitespace that counts as printable.
    return (
        isinstance(value, str)
        and 0 < len(value) <= _LONGEST_ID
        and value.isprintable()
        and not {" ", "\ufffd"} & set(value)
    )
