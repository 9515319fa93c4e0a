# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with a job, sorted by what became of the job and of the money.

VideoAIError
├── InvalidRequest          caught before anything was sent
├── SubmitRejected          the vendor said no: nothing was bought
│   ├── AuthenticationFailed
│   ├── QuotaExceeded       full queue, no slot, rate limit: waits and submits again
│   └── ContentRejected
├── SubmitUncertain         sent, and no answer: may have been bought; never resubmitted by itself
├── JobFailed               the vendor ran it and it failed
│   └── JobAborted
├── BatchFailed             more items of a batch failed than are tolerated
├── JobNotFound             the job id is unknown to the vendor
├── JobTimedOut             our deadline passed; the job may still run
├── ResultUnavailable       succeeded, but its media cannot be had any more
├── StorageFailed           the user's own store or disk failed; nothing of the job is lost
└── VendorUnavailable       transport, 5xx or unreadable answers for longer than the tolerance
"""

from __future__ import annotations

from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.values.printable import shortened

__all__ = [
    "AuthenticationFailed",
    "BatchFailed",
    "ContentRejected",
    "InvalidRequest",
    "JobAborted",
    "JobFailed",
    "JobNotFound",
    "JobTimedOut",
    "QuotaExceeded",
    "ResultUnavailable",
    "StorageFailed",
    "SubmitRejected",
    "SubmitUncertain",
    "VendorUnavailable",
    "VideoAIError",
    "failure_of",
]

# An error's text goes into the task's log, into XComs and into the page "Video jobs", and may quote a vendor: without
# a limit, a vendor that answers with megabytes would decide their size.
_LONGEST_MESSAGE = 4000
_LONGEST_REASON = 2000


class VideoAIError(Exception):
    """Root of this package's errors; raised itself when a wait ended for a reason that is neither vendor's nor user's.

    :param message: what happened, what became of the job and of the money, what to do next; kept as one printable line
        of at most 4,000 characters, whatever it quotes.
    :param code: the vendor's own error code as text; ``None`` if there is none.
    :param job_id: the job concerned, if there is one.
    """

    # Subclasses take keywords only beside the message, with defaults: an exception is copied and pickled as its
    # class, its positional arguments and its __dict__.

    def __init__(self, message: str, *, code: str | None = None, job_id: str | None = None) -> None:
        self.message = shortened(message, _LONGEST_MESSAGE)
        super().__init__(self.message)
        self.code = None if code is None else shortened(code)
        self.job_id = job_id

    def add(self, sentence: str) -> None:
        """Add to the message what is known only where the error passes, such as what becomes of other jobs.

        :param sentence: with its full stop.
        """
        # In place, so that the class, the cause and the traceback stay.
        self.message = shortened(f"{self.message.rstrip('.')}. {sentence}", _LONGEST_MESSAGE)
        self.args = (self.message,)


class InvalidRequest(VideoAIError, ValueError):
    """A field breaks a rule. Not retried; nothing was sent, nothing was bought."""


class SubmitRejected(VideoAIError):
    """The vendor refused the submit: nothing was bought.

    :param temporary: whether the vendor named a transient error of its own. Only then a retry may succeed, and the
        task is retried.
    :param of_account: whether the account was refused and not this request: it has no credit left, say. Then a batch
        submits nothing more.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        job_id: str | None = None,
        temporary: bool = False,
        of_account: bool = False,
    ) -> None:
        super().__init__(message, code=code, job_id=job_id)
        self.temporary = temporary
        self.of_account = of_account


class AuthenticationFailed(SubmitRejected):
    """The vendor refused the connection's credentials. Not retried; nothing was bought, a running job goes on."""


class QuotaExceeded(SubmitRejected):
    """No capacity for now: full queue, no slot, rate limit. Nothing was bought; ``quota_timeout`` limits the wait.

    :param retry_after: the pause in seconds that the vendor wants; ``None`` if it does not say.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        job_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, code=code, job_id=job_id, temporary=True)
        self.retry_after = retry_after


class ContentRejected(SubmitRejected):
    """The vendor refuses this content or its format. Not retried; nothing was bought."""


class SubmitUncertain(VideoAIError):
    """The submit was sent and its answer was lost: the job may have been bought. Never resubmitted by itself.

    :param retry_helps: whether the next attempt can query the job, can repeat the submit safely, or resubmits because
        the user chose so. Only then the task is retried.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        job_id: str | None = None,
        retry_helps: bool = False,
    ) -> None:
        super().__init__(message, code=code, job_id=job_id)
        self.retry_helps = retry_helps


class JobFailed(VideoAIError):
    """The vendor ran the job and it failed. A retry submits, and may pay for, a new job."""


class JobAborted(JobFailed):
    """The vendor ended the job before it was done. A retry submits a new one."""


class JobNotFound(VideoAIError):
    """The job id is unknown to the vendor: a wrong id, another account's, or one it has forgotten. Not retried."""

    # Not a JobFailed: for that a retry may buy another job, and this one may exist in the right account.


class JobTimedOut(VideoAIError):
    """Our deadline passed while the job went on. It may still end and is billed.

    A retry attaches to it and polls once. An operator's deadline counts from the submit: to wait longer, raise it.
    """


class ResultUnavailable(VideoAIError):
    """The job succeeded and was paid for, but its media cannot be had any more. Not retried."""


class BatchFailed(VideoAIError):
    """More items of a batch failed than ``tolerate`` allows; all others have their results.

    :param failed: how many items failed.
    :param items: how many the batch has.
    :param retry_helps: whether another attempt may help one of the items that failed: by the same rules as for a task
        with one job. Only then the task is retried: it tries only what failed, and pays for a job again only in place
        of one that failed.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        job_id: str | None = None,
        failed: int = 0,
        items: int = 0,
        retry_helps: bool = True,
    ) -> None:
        super().__init__(message, code=code, job_id=job_id)
        self.failed = failed
        self.items = items
        self.retry_helps = retry_helps


class StorageFailed(VideoAIError, OSError):
    """The user's own store could not be read or written: no permission, disk full, not reachable.

    Retried; the job is paid for, its media stays at the vendor, and a retry buys nothing.
    """


class VendorUnavailable(VideoAIError):
    """The vendor could not be reached or understood. A job that was bought goes on; a retry attaches to it.

    One failed status request raises it as well; a wait tolerates those for ``outage_tolerance`` before it gives up.

    :param retry_after: the pause in seconds that the vendor wants; ``None`` if it does not say.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        job_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, code=code, job_id=job_id)
        self.retry_after = retry_after


def failure_of(status: JobStatus, title: str) -> JobFailed:
    """Return the error for a job that failed or was aborted.

    :param status: the job's last status; its code and message are the vendor's.
    :param title: the vendor's name in the error's text.
    :returns: :class:`JobAborted` for an aborted job, else :class:`JobFailed`.
    """
    kind, verb = (JobAborted, "was aborted") if status.state is JobState.ABORTED else (JobFailed, "failed")
    code = shortened(status.error_code) if status.error_code else ""
    reasons = (f"code {code}" if code else "", shortened(status.error_message or "", _LONGEST_REASON))
    why = ": ".join(reason for reason in reasons if reason) or "the vendor gives no reason"
    what_next = "The task that submitted it submits, and may pay for, a new one when it is retried."
    text = f"{title} job {shortened(status.job_id)} {verb} at the vendor ({why}). {what_next}"
    return kind(text, code=status.error_code, job_id=status.job_id)
