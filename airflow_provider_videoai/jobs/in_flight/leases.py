# SPDX-License-Identifier: Apache-2.0
"""Submit no more jobs than the account may have in flight: a task takes a lease in the ledger before it buys.

Whoever waits for the job renews its lease (:mod:`.keeper`) and ends it. A
ledger that fails holds no submit up: then the vendor's own refusals are what is left.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from airflow_provider_videoai.jobs.errors import QuotaExceeded
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.ledger.account_key import account_key_of
from airflow_provider_videoai.jobs.ledger.lease import LeaseRequest, lease_of_job
from airflow_provider_videoai.jobs.ledger.reserved import LedgerError

__all__ = ["RETRY_SECONDS", "InFlightLeases", "InFlightLimitReached", "JobLease", "leases_for"]

log = logging.getLogger(__name__)

RETRY_SECONDS = 15.0
"""Seconds after which a task without a lease requests one again."""

_NOBODY = LeaseRequest("")


class InFlightLimitReached(QuotaExceeded):
    """So many jobs of the account are in flight that this one has to wait for a lease; nothing was sent.

    :param message: what a person reads.
    :param request: who waits.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        job_id: str | None = None,
        retry_after: float | None = RETRY_SECONDS,
        request: LeaseRequest = _NOBODY,
    ) -> None:
        super().__init__(message, code=code, job_id=job_id, retry_after=retry_after)
        self.request = request


@dataclass(frozen=True, slots=True)
class InFlightLeases:
    """The leases of one account's jobs of one kind.

    :param transport: of the account, with its ledger.
    :param kind: what the limit holds for.
    :param limit: how many jobs may be in flight.
    """

    transport: Transport
    kind: str
    limit: int

    @property
    def account(self) -> str:
        """The account's name in the ledger."""
        return account_key_of(self.transport.vendor)

    def granted(self, requests: Sequence[LeaseRequest]) -> set[str]:
        """Return the names of those that may submit. It blocks for some seconds at most.

        :param requests: of the tasks that are about to submit.
        :raises LedgerError: if the ledger fails.
        """
        if self.transport.ledger is None:
            return {request.name for request in requests}
        return self.transport.ledger.lease(self.account, self.kind, requests, limit=self.limit)


@dataclass(frozen=True, slots=True)
class JobLease:
    """The lease of one task's job.

    :param leases: the account's.
    :param request: the task's.
    """

    leases: InFlightLeases
    request: LeaseRequest

    def take(self) -> None:
        """Take the lease, before the job is submitted.

        :raises InFlightLimitReached: if the task has to wait for a lease.
        """
        try:
            if self.request.name in self.leases.granted([self.request]):
                return
        except LedgerError as failure:
            _warn_once(os.getpid(), str(failure))
            return
        kind, limit = self.leases.kind, self.leases.limit
        jobs = f"{limit} {'job' if kind == '*' else f'{kind} job'}{'' if limit == 1 else 's'}"
        raise InFlightLimitReached(
            f"{self.leases.transport.vendor.title}: this account may have {jobs} in flight, and has, or other tasks "
            "are before this one. Nothing was sent, nothing was bought.",
            request=self.request,
        )

    def submitted(self, job_id: str) -> None:
        """Make the lease that of the job, for whoever waits for it to renew.

        :param job_id: the vendor's id.
        """
        if (ledger := self.leases.transport.ledger) is not None:
            try:
                ledger.submitted(self.leases.account, self.leases.kind, self.request.name, lease_of_job(job_id))
            except LedgerError as failure:
                _warn_once(os.getpid(), str(failure))

    def give_back(self) -> None:
        """End the lease: the submit bought nothing."""
        self._end(self.request.name)

    def ended(self, job_id: str) -> None:
        """End the lease of a job whose end was learned without waiting for it.

        :param job_id: the vendor's id.
        """
        self._end(lease_of_job(job_id), self.request.name)

    def _end(self, *names: str) -> None:
        if (ledger := self.leases.transport.ledger) is not None:
            try:
                ledger.keep_leases(self.leases.account, ended=names)
            except LedgerError as failure:
                _warn_once(os.getpid(), str(failure))


def leases_for(transport: Transport, operation: str) -> InFlightLeases | None:
    """Return the leases of an operation's jobs; ``None`` if nothing limits them.

    :param transport: of the account.
    :param operation: what is about to be submitted.
    """
    limit = transport.vendor.in_flight_limit(operation)
    return None if limit is None else InFlightLeases(transport, *limit)


@lru_cache(maxsize=1)
def _warn_once(process: int, why: str) -> None:
    log.warning("Jobs in flight are not counted at present: %s. Process %d submits without a lease.", why, process)
