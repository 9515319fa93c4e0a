# SPDX-License-Identifier: Apache-2.0
"""Injected faults: what goes wrong, at which call, after how many good ones, how often."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from airflow_provider_videoai.sandbox.credentials import CREDENTIALS


class CallKind(StrEnum):
    """What a call is for. ``lookup`` calls (lists, credit) meet only faults injected for ``*``."""

    SUBMIT = "submit"
    QUERY = "query"
    PUBLISH = "publish"
    PULL = "pull"
    PULL_QUERY = "pull_query"
    MEDIA = "media"
    UPLOAD = "upload"
    LOOKUP = "lookup"


class FaultKind(StrEnum):
    """What goes wrong."""

    HTTP_500 = "http_500"
    RATE_LIMITED = "rate_limited"
    HTML_502 = "html_502"
    RESET = "reset"
    STALL = "stall"
    GARBAGE = "garbage"
    TRUNCATED = "truncated"
    ACCEPT_THEN_DROP = "accept_then_drop"
    QUOTA_FULL = "quota_full"
    AUTH_FAILED = "auth_failed"
    FAIL_JOB = "fail_job"
    ABORT_JOB = "abort_job"
    NEVER_ENDS = "never_ends"
    LOSE_JOB = "lose_job"
    EXPIRE_MEDIA = "expire_media"
    CUT_MEDIA = "cut_media"
    REPLACE_MEDIA = "replace_media"
    WRONG_LENGTH = "wrong_length"
    HTML_PAGE = "html_page"


REPLACING_FAULTS = frozenset(
    {
        FaultKind.HTTP_500,
        FaultKind.RATE_LIMITED,
        FaultKind.HTML_502,
        FaultKind.RESET,
        FaultKind.GARBAGE,
        FaultKind.QUOTA_FULL,
        FaultKind.AUTH_FAILED,
    },
)
"""These replace the vendor's response: it never sees the call, and nothing is accepted."""
RESPONSE_FAULTS = frozenset({FaultKind.STALL, FaultKind.TRUNCATED})
"""The vendor does its work (a submit is accepted and charged), then its response is late or cut."""
JOB_FAULTS = frozenset({FaultKind.FAIL_JOB, FaultKind.ABORT_JOB, FaultKind.NEVER_ENDS, FaultKind.LOSE_JOB})
"""These decide the outcome of the next job that is accepted."""

MEDIA_FAULTS = frozenset(
    {FaultKind.EXPIRE_MEDIA, FaultKind.CUT_MEDIA, FaultKind.REPLACE_MEDIA, FaultKind.WRONG_LENGTH, FaultKind.HTML_PAGE}
)
"""These happen to a file that is fetched."""

_SUBMITS = frozenset({"*", CallKind.SUBMIT, CallKind.PULL})
_CALLS_OF_KIND: dict[FaultKind, Collection[str]] = {
    # A fault that could never fire is refused: a test that relies on it would pass for the wrong reason.
    **dict.fromkeys([*JOB_FAULTS, FaultKind.ACCEPT_THEN_DROP], _SUBMITS),
    **dict.fromkeys(MEDIA_FAULTS, ("*", CallKind.MEDIA)),
}
_OWN_FIELDS: dict[FaultKind, Collection[str]] = {
    FaultKind.STALL: ("seconds",),
    FaultKind.RATE_LIMITED: ("retry_after", "retry_after_date"),
    FaultKind.FAIL_JOB: ("code",),
    FaultKind.QUOTA_FULL: ("code",),
    FaultKind.AUTH_FAILED: ("code",),
    FaultKind.EXPIRE_MEDIA: ("code",),
    FaultKind.CUT_MEDIA: ("bytes", "pause"),
    FaultKind.WRONG_LENGTH: ("bytes",),
}
_SHARED_FIELDS = ("vendor", "call", "kind", "times", "after", "match")

# A context variable: jobs are accepted several calls below the endpoint, in handlers that have no use for the raw
# request.
request_text: ContextVar[str] = ContextVar("request_text", default="")
"""The URL and body of the request that is being served, for faults with a ``match``."""


class InvalidControlRequest(Exception):
    """A control request that cannot be carried out.

    :param field: the field that is wrong.
    :param text: what is wrong with it, for the person who sent the request.
    """

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field
        self.text = text


@dataclass
class Fault:
    """One injected fault.

    :param vendor: its key, or ``*``.
    :param call: a :class:`CallKind`, or ``*``.
    :param times: how often it fires; ``None``: always.
    :param after: how many matching calls succeed first.
    :param match: only requests with this text in their URL or body.
    :param seconds: how long a stalled response takes.
    :param bytes: of media that are sent, or announced beyond those that there are.
    :param pause: seconds without data before media are cut.
    :param retry_after: seconds; ``None``: no such header.
    :param retry_after_date: whether the header is an HTTP date.
    :param code: the vendor's error code, or the HTTP status of expired media; ``None``: the usual one.
    :param fired: how often it fired.
    :param passed: how many matching calls succeeded before.
    """

    id: str
    vendor: str
    call: str
    kind: FaultKind
    times: int | None = 1
    after: int = 0
    match: str = ""
    seconds: float = 5.0
    bytes: int = 0
    pause: float = 0.0
    retry_after: int | None = None
    retry_after_date: bool = False
    code: int | str | None = None
    fired: int = 0
    passed: int = 0

    def matches(self, vendor: str, call: CallKind, kinds: Collection[FaultKind]) -> bool:
        """Return whether it fires, or counts, at this call.

        :param vendor: the vendor that is called.
        :param call: what for.
        :param kinds: those that can happen at this point of the call.
        """
        return (
            self.kind in kinds
            and self.vendor in ("*", vendor)
            and self.call in ("*", call)
            and self.match in request_text.get()
            and (self.times is None or self.fired < self.times)
        )


class Faults:
    """The injected faults, oldest first."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._ids = itertools.count(1)

    def clear(self) -> None:
        """Remove all."""
        self._faults.clear()

    def inject(self, fields: Mapping[str, Any]) -> Fault:
        """Add a fault.

        :param fields: of the control request.
        :returns: the fault, with its defaults and its id.
        :raises InvalidControlRequest: for an unknown or wrong field.
        """
        kind = _one_of(fields, "kind", [kind.value for kind in FaultKind])
        # Per kind, for the same reason: "seconds" of a fault that does not stall would have no effect.
        allowed = {*_SHARED_FIELDS, *_OWN_FIELDS.get(FaultKind(kind), ())}
        for name in fields:
            if name not in allowed:
                raise InvalidControlRequest(
                    name, f"a fault of kind {kind} has no field {name!r}; it has {sorted(allowed)}"
                )
        calls = _CALLS_OF_KIND.get(FaultKind(kind), ["*", *(c.value for c in CallKind if c is not CallKind.LOOKUP)])
        fault = Fault(
            id=f"fault-{next(self._ids)}",
            vendor=_one_of(fields, "vendor", ["*", *CREDENTIALS], default="*"),
            call=_one_of(fields, "call", list(calls), default="*"),
            kind=FaultKind(kind),
            **_checked(fields),
        )
        self._faults.append(fault)
        return fault

    def claim(self, vendor: str, call: CallKind, kinds: Collection[FaultKind]) -> Fault | None:
        """Fire the first fault that matches this call.

        :param vendor: the vendor that is called.
        :param call: what for.
        :param kinds: those that can happen at this point of the call.
        :returns: ``None`` if none fires; a fault whose ``after`` is not reached counts the call.
        """
        for fault in self._faults:
            if not fault.matches(vendor, call, kinds):
                continue
            if fault.passed < fault.after:
                fault.passed += 1
                continue
            fault.fired += 1
            return fault
        return None

    def describe(self) -> list[dict[str, Any]]:
        """Return all faults with how often each fired."""
        return [asdict(fault) for fault in self._faults]


def _one_of(fields: Mapping[str, Any], name: str, allowed: Collection[str], default: str | None = None) -> str:
    value = fields.get(name, default)
    if not isinstance(value, str) or value not in allowed:
        raise InvalidControlRequest(name, f"{name} must be one of {sorted(allowed)}, not {value!r}")
    return value


def _checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Check the fields of a fault that are not keywords."""
    found: dict[str, Any] = {}
    for name, types, low in (
        ("times", (int, type(None)), 1),
        ("after", (int,), 0),
        ("seconds", (int, float), 0),
        ("pause", (int, float), 0),
        ("retry_after", (int,), 0),
        ("bytes", (int,), 0),
    ):
        if name not in fields:
            continue
        value = fields[name]
        # A bool is an int to Python: "times": true would mean once.
        if isinstance(value, bool) or not isinstance(value, types) or (value is not None and value < low):
            raise InvalidControlRequest(name, f"{name} must be a number of at least {low}, not {value!r}")
        found[name] = value
    if not isinstance(fields.get("match", ""), str):
        raise InvalidControlRequest("match", "match must be a string")
    if "retry_after_date" in fields and not isinstance(fields["retry_after_date"], bool):
        raise InvalidControlRequest("retry_after_date", "retry_after_date must be true or false")
    if "code" in fields and (isinstance(fields["code"], bool) or not isinstance(fields["code"], (int, str))):
        raise InvalidControlRequest("code", "code must be a number or a string")
    return found | {name: fields[name] for name in ("match", "retry_after_date", "code") if name in fields}
