# SPDX-License-Identifier: Apache-2.0
"""Read a vendor's answers: what went well, what went wrong, and what became of the job and of the money."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, NoReturn

from airflow_provider_videoai.jobs.duration import format_duration
from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    JobNotFound,
    QuotaExceeded,
    SubmitRejected,
    SubmitUncertain,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.call import Answer, Call
from airflow_provider_videoai.jobs.protocol.redaction import Redaction
from airflow_provider_videoai.jobs.protocol.response import (
    Standing,
    SuccessBy,
    by_status,
    envelope_counts,
    envelope_words,
    host_hint,
    retry_after,
    seconds_ahead,
    standing,
)
from airflow_provider_videoai.jobs.values.bounded_json import json_object
from airflow_provider_videoai.jobs.values.scrub import clean, short

__all__ = ["AnswerReader", "Verdict"]


class Verdict(NamedTuple):
    """What a vendor's error code means.

    :param error: the class of error.
    :param meaning: the vendor's meaning, in English.
    :param of_account: whether the code refuses the account, and with it each of its submits; in answer to a status
        request it is tolerated.
    :param uncertain: whether the code, in answer to a submit, leaves open what became of it: no document of the vendor
        says that it may be repeated then.
    """

    error: type[VideoAIError]
    meaning: str
    of_account: bool = False
    uncertain: bool = False


class AnswerReader:
    """What a vendor's answers mean, by rules that all vendors share and the vendor's own data.

    :param account: whose secrets are masked in every answer.
    :param clock: gives epoch seconds.
    """

    # The attributes of :class:`~airflow_provider_videoai.jobs.protocol.vendor.Vendor`, which documents them.
    title: ClassVar[str]
    errors: ClassVar[Mapping[str, Verdict]]
    login_name: ClassVar[str]
    password_name: ClassVar[str]
    login_required: ClassVar[bool]
    success_by: ClassVar[SuccessBy]

    def __init__(self, account: Account, clock: Callable[[], float]) -> None:
        self.account = account
        self.clock = clock
        self._redaction = Redaction(account.login, account.password, spared=getattr(self, "known_states", ()))

    def judge(self, call: Call, answer: Answer, body: Mapping[str, Any]) -> None:
        """Raise the error that the envelope reports, through :meth:`refuse`; return if it reports none.

        A vendor whose HTTP status says it all needs no override: :meth:`read` raises by that, with the answer's own
        words.

        :param call: what was sent.
        :param answer: the response, for its HTTP status.
        :param body: the JSON object of the answer, from which the account's secrets were removed.
        """

    def read(self, call: Call, answer: Answer) -> dict[str, Any]:
        """Return the JSON object of an answer that went well.

        :param call: what was sent.
        :param answer: the response.
        :raises VideoAIError: the typed error of any other answer, with what became of the job in its text.
        """
        try:
            return self._read(call, answer)
        except VideoAIError as refused:
            if isinstance(refused, QuotaExceeded | VendorUnavailable):
                # The header is the standard place for a pause, and wins over an envelope's.
                wait = retry_after(answer.headers.get("retry-after", ""), self.clock())
                refused.retry_after = refused.retry_after if wait is None else wait
            if self._may_be_of_the_signature(refused) and (wrong_clock := self._wrong_clock(answer)):
                refused.add(wrong_clock)
            raise

    def _may_be_of_the_signature(self, refused: VideoAIError) -> bool:
        if isinstance(refused, AuthenticationFailed):
            return True
        # No vendor documents a code for a signature whose time is off, and so it may be any that its list lacks.
        own_code = refused.code is not None and not by_status(refused.code)
        return own_code and refused.code not in self.errors and not isinstance(refused, QuotaExceeded | SubmitUncertain)

    def _read(self, call: Call, answer: Answer) -> dict[str, Any]:
        # Masked before anything else reads it, so that no error, log line or XCom can hold a secret that was echoed.
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
            stands = Standing.UNCLEAR  # the status says no, and the envelope yes: the job may have been bought
        if refused is not None and envelope_counts(stands, refused.code, documented=refused.code in self.errors):
            raise refused
        raise self._by_status(call, answer, body, stands)

    def _refusal(self, call: Call, answer: Answer, body: Mapping[str, Any]) -> VideoAIError | None:
        # Caught, not raised on: it has to be weighed against the HTTP status first.
        try:
            self.judge(call, answer, body)
        except VideoAIError as refused:
            return refused
        return None

    def _by_status(self, call: Call, answer: Answer, body: Mapping[str, Any] | None, stands: Standing) -> VideoAIError:
        """Return the error that the HTTP status stands for, with the words of whatever envelope there is."""
        status = answer.status
        says = envelope_words(body)
        # Also a good status, if no readable envelope came with it: a submit may have been carried out.
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
                # In answer to a submit it is a wrong path or host, not a job.
                return (SubmitRejected if call.buys else JobNotFound), f"HTTP {status}", "not found"
            case Standing.NOT_YET:
                return VendorUnavailable, f"HTTP {status}", "too early"
            case _:
                return (SubmitRejected if call.buys else VendorUnavailable), f"HTTP {status}", "refused"

    def refuse(self, call: Call, code: object, message: object = "", *, status: int = 200, **more: Any) -> NoReturn:
        """Raise the error that ``errors`` lists for an envelope's code.

        A code that is not listed refuses a submit; in answer to a status request it is tolerated as unreadable.

        :param call: what was sent.
        :param code: the envelope's error code, of any JSON type.
        :param message: the envelope's words.
        :param status: the HTTP status that it came with.
        :param more: further arguments of the error, such as ``retry_after``.
        :raises VideoAIError: always.
        """
        unlisted = Verdict(SubmitRejected if call.buys else VendorUnavailable, "an undocumented code")
        verdict = self.errors.get(str(code), unlisted)
        words = ": ".join(part for part in (verdict.meaning, clean(message)) if part)
        if verdict.uncertain and call.buys:
            raise self.lost(call, f"code {short(code)} ({words})", code=short(code))
        # That the account may submit nothing more says nothing about a job that it bought before.
        kind = VendorUnavailable if verdict.of_account and not call.buys else verdict.error
        refused = self.error(kind, call, short(code), words, status=status, **more)
        if isinstance(refused, SubmitRejected):
            refused.of_account = verdict.of_account
        raise refused

    def error(
        self, kind: type[VideoAIError], call: Call, code: str, words: str, *, status: int = 200, **more: Any
    ) -> VideoAIError:
        """Return the error of a kind as it applies to this call, with what became of the job in its text.

        :param kind: the class of error; a submit and a status request may need another one.
        :param call: what was sent.
        :param code: the vendor's code as text.
        :param words: what went wrong.
        :param status: the HTTP status, which is shown unless it says that all went well.
        :param more: further arguments of the error, such as ``retry_after``.
        """
        said = f"{self.title} {call.name}: {words} ({_where(code, status)})"
        if issubclass(kind, AuthenticationFailed):
            conn_id = self.account.conn_id
            keys = f"{self.login_name} and {self.password_name}" if self.login_required else self.password_name
            return kind(f"{said}. Check {keys} of connection {conn_id!r}.", code=code)
        if issubclass(kind, QuotaExceeded):
            return kind(f"{said}. Nothing was bought." if call.buys else said, code=code, **more)
        # A submit that was answered with an error bought nothing. If that is not certain, `lost` makes the error.
        if call.buys:
            refused = kind if issubclass(kind, SubmitRejected) else SubmitRejected
            temporary = issubclass(kind, VendorUnavailable)
            return refused(f"{said}. Nothing was bought.", code=code, temporary=temporary)
        if kind is SubmitRejected:
            kind = JobNotFound
        return kind(said, code=code)

    def lost(self, call: Call, why: str, *, code: str | None = None) -> VideoAIError:
        """Return the error for a request that was sent and whose answer says nothing, or nothing but a code.

        :param call: what was sent.
        :param why: what came instead of an answer.
        :param code: the vendor's code, if there is one.
        """
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


# Statuses that prove that the request was not carried out.
_NOTHING_DONE = (Standing.REFUSED, Standing.MISSING, Standing.NOT_YET)
# Seconds for which the strictest of the vendors' signatures holds: Tencent's and Cloud VoD's.
_CLOCK_TOLERANCE = 300.0


def _where(code: str, status: int) -> str:
    own = "" if code in (str(status), f"HTTP {status}") else f"code {code}"
    http = "" if standing(status) is Standing.GOOD else f"HTTP {status}"
    return ", ".join(filter(None, (own, http))) or f"code {code}"
