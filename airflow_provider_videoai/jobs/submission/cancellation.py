# SPDX-License-Identifier: Apache-2.0
"""Cancel a job whose task was ended by a person, at a vendor that documents how, and report what became of the job."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

from airflow_provider_videoai.jobs.errors import JobNotFound, VideoAIError
from airflow_provider_videoai.jobs.http.rate_limit import RateLimit
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from airflow_provider_videoai.jobs.unexpected_errors import named
from airflow_provider_videoai.jobs.values.printable import shortened

__all__ = ["acancel", "cancel_in_thread"]


def cancel_in_thread(vendor: Vendor, operation: str, job_id: str, seconds: float) -> str:
    """Cancel a job from a signal handler.

    :param vendor: whose job it is.
    :param operation: the operation that the job is polled by.
    :param job_id: the job.
    :param seconds: how long to wait; after that the request is left to itself.
    :returns: a sentence that says what became of the job. Nothing is raised.
    """
    # A list, not a future: the result of a thread that ends too late is ignored.
    said: list[str] = []

    def send() -> None:
        try:
            said.append(_outcome(vendor, job_id, _hurried(vendor, seconds).run(vendor.cancel(operation, job_id))))
        except Exception as failure:  # noqa: BLE001 - the task is being ended, and only its log can say so
            said.append(_not_cancelled(vendor, job_id, failure))

    # In a thread: the handler may have interrupted the main thread while it holds a lock that the request needs.
    thread = threading.Thread(target=send, name="videoai-cancel", daemon=True)
    thread.start()
    thread.join(seconds)
    return said[0] if said else _not_cancelled(vendor, job_id, TimeoutError(f"no answer within {seconds:g} s"))


async def acancel(vendor: Vendor, operation: str, job_id: str, seconds: float) -> str:
    """Cancel a job from the triggerer.

    :param vendor: whose job it is.
    :param operation: the operation that the job is polled by.
    :param job_id: the job.
    :param seconds: how long to wait.
    :returns: a sentence that says what became of the job. Nothing is raised.
    """
    try:
        async with asyncio.timeout(seconds):
            cancelled = await _hurried(vendor, seconds).arun(vendor.cancel(operation, job_id))
    except TimeoutError:
        return _not_cancelled(vendor, job_id, TimeoutError(f"no answer within {seconds:g} s"))
    except Exception as failure:  # noqa: BLE001 - as above
        return _not_cancelled(vendor, job_id, failure)
    return _outcome(vendor, job_id, cancelled)


def _hurried(vendor: Vendor, seconds: float) -> Transport:
    # Without the account's rate limit: waiting for a place in it may take longer than Airflow lets a killed task live.
    options = vendor.account.options
    account = replace(vendor.account, options=options.model_copy(update={"timeout": min(seconds, options.timeout)}))
    return Transport(type(vendor)(account, vendor.clock), rate_limit=RateLimit(None))


def _outcome(vendor: Vendor, job_id: str, cancelled: bool) -> str:
    if cancelled:
        return f"Job {shortened(job_id)} was cancelled at {vendor.title}, or had ended."
    return _not_cancelled(vendor, job_id, None)


def _not_cancelled(vendor: Vendor, job_id: str, failure: Exception | None) -> str:
    if isinstance(failure, JobNotFound):
        return f"Job {shortened(job_id)} is unknown to {vendor.title}: there was nothing to cancel."
    reason = failure.message.rstrip(".") if isinstance(failure, VideoAIError) else named(failure) if failure else ""
    why = f"could not be cancelled ({reason})" if reason else f"was not cancelled by {vendor.title}"
    return f"Job {shortened(job_id)} {why}: unless it has ended by now, it goes on and is billed."
