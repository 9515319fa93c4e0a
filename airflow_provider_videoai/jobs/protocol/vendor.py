# SPDX-License-Identifier: Apache-2.0
"""The contract between the engine and a vendor, without any I/O.

A vendor describes each exchange as a :data:`Flow`: a generator that yields a :class:`Call`, is sent the
:class:`Answer`, and returns what it read. Whoever drives it (a worker, an event loop, a test) does the sending.
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, NoReturn, TypeVar

import httpx

from airflow_provider_videoai.jobs.duration import format_duration
from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    InvalidRequest,
    JobNotFound,
    QuotaExceeded,
    SubmitRejected,
    SubmitUncertain,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.model import JobStatus
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.call import Answer, Call, Flow
from airflow_provider_videoai.jobs.protocol.idempotency import Idempotency
from airflow_provider_videoai.jobs.protocol.options import ConnectionOptions
from airflow_provider_videoai.jobs.protocol.redaction import Redaction
from airflow_provider_videoai.jobs.protocol.response import (
    Standing,
    SuccessBy,
    envelope_counts,
    envelope_words,
    host_hint,
    retry_after,
    seconds_ahead,
    standing,
)
from airflow_provider_videoai.jobs.request import JobRequest
from airflow_provider_videoai.jobs.values.bounded_json import json_object
from airflow_provider_videoai.jobs.values.given_value import as_given
from airflow_provider_videoai.jobs.values.printable import shown
from airflow_provider_videoai.jobs.values.scrub import clean, short

__all__ = ["T", "Vendor", "Verdict"]

T = TypeVar("T")


class Verdict(NamedTuple):
    """What a vendor's error code means: the class of error, and the vendor's meaning in our words."""

    error: type[VideoAIError]
    meaning: str


class Vendor(ABC):
    """One vendor's protocol for one account: how to sign, submit, query, and read answers.

    Subclass it in ``vendors/``. The class attributes are data that the engine reads; the methods return flows.
    ``clock`` gives epoch seconds.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    default_host: ClassVar[str]
    requests: ClassVar[Mapping[str, type[JobRequest]]]
    """Operation -> its request; the first is the hook's default."""
    errors: ClassVar[Mapping[str, Verdict]]
    """The vendor's documented error codes (as text) of its envelope."""
    known_states: ClassVar[frozenset[str]]
    """The vendor's documented words for a job's state, in lower case; any other is taken for "still running"."""
    login_name: ClassVar[str] = "login"
    password_name: ClassVar[str] = "password"
    batch_size: ClassVar[int] = 1
    """How many jobs one status request can query."""
    requests_per_minute: ClassVar[float | None] = None
    """The documented rate limit; ``None`` where none is documented."""
    limit_per_call: ClassVar[bool] = False
    """True where the limit counts each API by itself."""
    login_required: ClassVar[bool] = True
    """False if the vendor identifies an account by its password alone, such as a Bearer key."""
    idempotency: ClassVar[Idempotency] = Idempotency.NONE
    """What makes a submit whose answer was lost safe to repeat."""
    idempotency_window: ClassVar[float] = 86_400.0
    """Seconds for which the vendor recognises an idempotency key; counted from the first submit under it."""
    success_by: ClassVar[SuccessBy] = SuccessBy.STATUS
    """What in an answer says that all went well."""
    options: ClassVar[type[ConnectionOptions]] = ConnectionOptions
    """The model of what a connection's extra may say."""

    def __init__(self, account: Account, clock: Callable[[], float]) -> None:
        self.account = account
        self.clock = clock
        self._redaction = Redaction(account.login, account.password, spared=getattr(self, "known_states", ()))

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
        """Query at most ``batch_size`` jobs. A job that is unknown to the vendor is missing from the dict."""

    @abstractmethod
    def probe(self) -> Flow[str]:
        """Prove the credentials with the cheapest call that buys nothing; return a sentence for the user."""

    def judge(self, call: Call, answer: Answer, body: Mapping[str, Any]) -> None:  # noqa: B027 - most REST vendors need none
        """Raise what the envelope says went wrong, through :meth:`refuse`; return if it says nothing of the kind.

        Not needed for a vendor whose HTTP status says it all: :meth:`read` raises by that, with the answer's own words.

        :param body: the JSON object of the answer, from which the account's secrets were removed.
        """

    def cancel(self, operation: str, job_id: str) -> Flow[bool]:
        """Cancel a job; override it if the vendor documents how.

        :returns: whether the job will not go on: it was cancelled by this or before, or it has ended.
        """
        raise NotImplementedError(f"{self.title} documents no way to cancel job {job_id!r} of {operation}")

    def result(self, operation: str, status: JobStatus) -> Flow[JobStatus]:  # noqa: ARG002 - overriders need it
        """Complete a succeeded status with its media, where that takes a further call."""
        yield from ()
        return status

    # -- what all vendors share ---------------------------------------------------------------------------

    @property
    def operation(self) -> str:
        """The operation that is meant when none is named."""
        return next(iter(self.requests))

    @property
    def poll_floor(self) -> float:
        """Least seconds between two polls of one job."""
        return 1.0

    @property
    def rate_limit(self) -> float | None:
        """Requests a minute: the connection's, else the documented one."""
        return self.account.options.max_requests_per_minute or self.requests_per_minute

    def require(self, operation: str) -> type[JobRequest]:
        """Return the request class of an operation, or raise :class:`InvalidRequest`."""
        request = self.requests.get(operation) if isinstance(operation, str) else None
        if request is None:
            known = ", ".join(self.requests)
            raise InvalidRequest(f"operation: {self.title} has no operation {shown(operation)}; it has {known}")
        return request

    @classmethod
    def check_job_id(cls, job_id: str) -> None:
        """Raise :class:`InvalidRequest` if this cannot be a job id of this vendor; nothing is sent."""
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
        """Query statuses as :meth:`statuses` does; a 404 for the only job is the same as an answer without it."""
        try:
            return (yield from self.statuses(operation, job_ids))
        except JobNotFound:
            if len(job_ids) > 1:
                raise
            return {}

    def buy(self, request: JobRequest, key: str | None) -> Flow[str]:
        """Submit a job, once; raise :class:`SubmitUncertain` if it was bought under an id that cannot be kept."""
        if key is None and self.idempotency is Idempotency.HEADER:
            key = uuid.uuid4().hex  # a hook keeps no record, and repeats nothing; the vendor wants a key all the same
        bought = yield from self.submit(request, key)
        if not _may_be_id(bought):
            raise SubmitUncertain(
                f"{self.title} accepted the job, so it was bought, but gave it an id that can be neither kept nor "
                f"queried: {shown(bought)}"
            )
        return bought

    def require_credentials(self) -> None:
        """Raise :class:`AuthenticationFailed` where the connection lacks its login or password."""
        login = [(self.account.login, self.login_name)] if self.login_required else []
        for value, name in (*login, (self.account.password, self.password_name)):
            if not value:
                raise AuthenticationFailed(
                    f"connection {self.account.conn_id!r} has no {name}; nothing was sent to {self.title}"
                )
            if not (value.isascii() and value.isprintable()):
                # A header cannot carry it, and the library's complaint would show it.
                raise AuthenticationFailed(
                    f"connection {self.account.conn_id!r}: its {name} holds a character that no such key has; "
                    f"nothing was sent to {self.title}"
                )

    def read(self, call: Call, answer: Answer) -> dict[str, Any]:
        """Return the JSON object of an answer that went well; raise the typed error of any other."""
        try:
            return self._read(call, answer)
        except AuthenticationFailed as refused:
            if (wrong_clock := self._wrong_clock(answer)) is None:
                raise
            raise AuthenticationFailed(f"{refused.message} {wrong_clock}", code=refused.code) from refused
        except (QuotaExceeded, VendorUnavailable) as busy:
            wait = retry_after(answer.headers.get("retry-after", ""), self.clock())
            busy.retry_after = busy.retry_after if wait is None else wait
            raise

    def _read(self, call: Call, answer: Answer) -> dict[str, Any]:
        body: dict[str, Any] | None = self._redaction.masked(
            answer.body, json_object(answer.body, exact_texts=call.buys)
        )
        stands = Standing.GOOD if answer.status in call.accepts else standing(answer.status)
        if body is None and stands is Standing.GOOD and not call.needs_body:
            body = {}
        if body is None:
            raise self._by_status(call, answer, None, stands)
        refused = self._refusal(call, answer, body)
        if refused is None and (stands is Standing.GOOD or self.success_by is SuccessBy.ENVELOPE):
            return body
        if refused is None and stands in _NOTHING_DONE and self.success_by is SuccessBy.BOTH:
            stands = Standing.UNCLEAR  # the status says no, and the envelope yes
        if refused is not None and envelope_counts(stands, refused.code, documented=refused.code in self.errors):
            raise refused
        raise self._by_status(call, answer, body, stands)

    def _refusal(self, call: Call, answer: Answer, body: Mapping[str, Any]) -> VideoAIError | None:
        try:
            self.judge(call, answer, body)
        except VideoAIError as refused:
            return refused
        return None

    def _by_status(self, call: Call, answer: Answer, body: Mapping[str, Any] | None, stands: Standing) -> VideoAIError:
        """Make the error that the HTTP status stands for, with the words of whatever envelope there is."""
        status = answer.status
        says = envelope_words(body)
        if stands in (Standing.GOOD, Standing.UNCLEAR):
            hint = host_hint(answer.body) if stands is Standing.GOOD else ""
            shape = "" if body is not None else " and no JSON object"
            return self.lost(call, f"HTTP {status}{shape}" + "".join(f" ({words})" for words in (hint, says) if words))
        kind, code, meaning = self._refusal_of(call, stands, status)
        words = (meaning, says or (host_hint(answer.body) if stands in _NOTHING_DONE else ""))
        return self.error(kind, call, code, ": ".join(filter(None, words)), status=status)

    def _refusal_of(self, call: Call, stands: Standing, status: int) -> tuple[type[VideoAIError], str, str]:
        match stands:
            case Standing.UNAUTHORISED:
                return AuthenticationFailed, str(status), "unauthorised"
            case Standing.BUSY:
                return QuotaExceeded, str(status), "too many requests"
            case Standing.MISSING:
                return (SubmitRejected if call.buys else JobNotFound), f"HTTP {status}", "not found"
            case Standing.NOT_YET:
                return VendorUnavailable, f"HTTP {status}", "too early"
            case _:
                return (SubmitRejected if call.buys else VendorUnavailable), f"HTTP {status}", "refused"

    def refuse(self, call: Call, code: object, message: object = "", *, status: int = 200, **more: Any) -> NoReturn:
        """Raise what ``errors`` says of an envelope's error code; ``status`` is the HTTP status that it came with.

        A code that is not listed refuses a submit; in answer to a status request it is tolerated as unreadable.
        """
        unlisted = Verdict(SubmitRejected if call.buys else VendorUnavailable, "an undocumented code")
        verdict = self.errors.get(str(code), unlisted)
        words = ": ".join(part for part in (verdict.meaning, clean(message)) if part)
        raise self.error(verdict.error, call, short(code), words, status=status, **more)

    def error(
        self, kind: type[VideoAIError], call: Call, code: str, words: str, *, status: int = 200, **more: Any
    ) -> VideoAIError:
        """Make the error of ``kind`` as it applies to this call, with what became of the job in its text.

        ``status`` is the HTTP status, which is shown unless it says that all went well.
        """
        said = f"{self.title} {call.name}: {words} ({_where(code, status)})"
        if issubclass(kind, AuthenticationFailed):
            conn_id = self.account.conn_id
            keys = f"{self.login_name} and {self.password_name}" if self.login_required else self.password_name
            return kind(f"{said}. Check {keys} of connection {conn_id!r}.", code=code)
        if issubclass(kind, QuotaExceeded):
            return kind(f"{said}. Nothing was bought." if call.buys else said, code=code, **more)
        if call.buys:
            refused = kind if issubclass(kind, SubmitRejected) else SubmitRejected
            temporary = issubclass(kind, VendorUnavailable)
            return refused(f"{said}. Nothing was bought.", code=code, temporary=temporary)
        if kind is SubmitRejected:
            kind = JobNotFound
        return kind(said, code=code)

    def lost(self, call: Call, why: str, *, code: str | None = None) -> VideoAIError:
        """Make the error for a request that was sent and whose answer says nothing, or nothing but a ``code``."""
        if call.buys:
            return SubmitUncertain(
                f"{self.title} {call.name} was sent and answered with {why}: the job may have been bought", code=code
            )
        return VendorUnavailable(f"{self.title} {call.name}: {why}", code=code)

    def _wrong_clock(self, answer: Answer) -> str | None:
        """Say how far this machine's clock is off, if that may be why a signature was refused."""
        ahead = seconds_ahead(answer.headers.get("date", ""), self.clock())
        if ahead is None or abs(ahead) <= _CLOCK_TOLERANCE:
            return None
        side = "behind" if ahead > 0 else "ahead of"
        return f"This machine's clock is {format_duration(abs(ahead))} {side} the vendor's: set it right."


_NOTHING_DONE = (Standing.REFUSED, Standing.MISSING, Standing.NOT_YET)
_CLOCK_TOLERANCE = 300.0
"""Seconds for which the strictest of the vendors' signatures holds."""
_LONGEST_ID = 500
"""Characters; the vendors' own have at most 64."""


def _may_be_id(value: object) -> bool:
    # U+FFFD stands for what could not be read. The space is the only blank that counts as printable.
    return (
        isinstance(value, str)
        and 0 < len(value) <= _LONGEST_ID
        and value.isprintable()
        and not {" ", "\ufffd"} & set(value)
    )


def _where(code: str, status: int) -> str:
    own = "" if code in (str(status), f"HTTP {status}") else f"code {code}"
    http = "" if standing(status) is Standing.GOOD else f"HTTP {status}"
    return ", ".join(filter(None, (own, http))) or f"code {code}"
