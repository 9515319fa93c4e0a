# SPDX-License-Identifier: Apache-2.0
"""What every vendor has in common: read a call, apply injected faults, record it in the ledger."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Protocol, runtime_checkable
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from airflow_provider_videoai.sandbox.faults import (
    REPLACING_FAULTS,
    RESPONSE_FAULTS,
    CallKind,
    Fault,
    FaultKind,
    request_text,
)
from airflow_provider_videoai.sandbox.ledger import Entry
from airflow_provider_videoai.sandbox.state import SandboxState
from airflow_provider_videoai.sandbox.transport import DropConnection, ResetConnection

LARGEST_BODY = 8 * 1024 * 1024
# The NUL byte makes json.loads take it for UTF-16 or UTF-32, so that decoding fails: that raises a UnicodeDecodeError,
# which is no JSONDecodeError.
GARBAGE = "\x00<<< this is not what was requested >>>"


@dataclass
class Incoming:
    """One call, as it was sent.

    :param query: decoded, in order; names may repeat.
    :param raw_query: as it was sent, for signatures that cover it.
    :param base_url: scheme, host and port by which the client reached the sandbox.
    :param fields: for the ledger: handlers fill it in.
    :param job_ids: for the ledger: the jobs that the call is about.
    """

    method: str
    path: str
    query: list[tuple[str, str]]
    raw_query: str
    headers: Headers
    body: bytes
    base_url: str
    fields: dict[str, Any] = field(default_factory=dict)
    job_ids: list[str] = field(default_factory=list)

    @classmethod
    async def read(cls, request: Request) -> Incoming:
        """Read a request with its body.

        :param request: one whose body was not read yet.
        """
        raw_query = request.scope["query_string"].decode("ascii", "replace")
        return cls(
            method=request.method,
            path=request.url.path,
            query=parse_qsl(raw_query, keep_blank_values=True),
            raw_query=raw_query,
            headers=request.headers,
            body=await request.body(),
            base_url=f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}",
        )

    def is_json(self) -> bool:
        """Return whether the content type is JSON, with any parameters."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower() == "application/json"

    def json_object(self) -> dict[str, Any] | None:
        """Return the body as a JSON object, or ``None`` if it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None


@dataclass(frozen=True)
class VendorResponse:
    """What a vendor responds.

    :param code: the vendor's own, for the ledger.
    :param status: the HTTP status.
    :param job_id: set when a job was accepted.
    :param charged: whether money was taken for that job.
    """

    body: Mapping[str, Any]
    code: int | str | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    job_id: str | None = None
    charged: bool = False


class Refused(Exception):
    """The vendor refuses a call.

    :param response: the one that says so.
    :param reason: for the ledger.
    """

    def __init__(self, response: VendorResponse, reason: str) -> None:
        super().__init__(reason)
        self.response = response
        self.reason = reason


@dataclass(frozen=True)
class Call:
    """One documented call of a vendor.

    :param path: as Starlette writes it: ``{job_id}`` stands for one part.
    :param kind: what the call is for: faults are injected by it.
    :param operation: what the ledger names the call.
    :param handler: returns the response, or raises :class:`Refused`.
    """

    methods: tuple[str, ...]
    path: str
    kind: CallKind
    operation: str
    handler: Callable[[Incoming], Awaitable[VendorResponse]]


class Vendor(Protocol):
    """What an endpoint needs of a vendor."""

    key: str

    def calls(self) -> list[Call]:  # pyright: ignore[reportReturnType] - a protocol's method has no body
        """Return the calls that it documents."""

    def deny(self, kind: FaultKind, call: CallKind, code: int | str | None) -> VendorResponse:  # pyright: ignore[reportReturnType] - a protocol's method has no body
        """Return the vendor's response to a full quota or to failed authentication.

        :param kind: which of the two.
        :param call: what the call was for.
        :param code: instead of the usual one; ``None``: the usual one.
        """

    def reset(self) -> None:
        """Forget everything."""


@runtime_checkable
class HasStorage(Protocol):
    """A vendor that stores files: uploads, or results."""

    def storage_routes(self) -> list[Route]:  # pyright: ignore[reportReturnType] - a protocol's method has no body
        """Return the routes of the files."""


@runtime_checkable
class HasIds(Protocol):
    """A vendor with resources that a request names: avatars, voices, stored videos."""

    def ids(self) -> dict[str, list[str]]:  # pyright: ignore[reportReturnType] - a protocol's method has no body
        """Return the ids that there are, by the vendor's name of the field."""


def routes_of(state: SandboxState, vendor: Vendor) -> list[Route]:
    """Return routes for every call of a vendor.

    :param state: what its endpoints share.
    :param vendor: the vendor.
    """
    return [
        Route(call.path, Endpoint(state, vendor, call).serve, methods=list(call.methods)) for call in vendor.calls()
    ]


class Endpoint:
    """Serves one call of one vendor.

    :param state: where faults come from, and the ledger.
    """

    def __init__(self, state: SandboxState, vendor: Vendor, call: Call) -> None:
        self._state = state
        self._vendor = vendor
        self._call = call

    async def serve(self, request: Request) -> Response:
        """Respond to one request, or fail to, as an injected fault says.

        :param request: with any body of up to 8 MB.
        """
        incoming = await Incoming.read(request)
        if len(incoming.body) > LARGEST_BODY:
            return PlainTextResponse("request entity too large", 413)
        # Before the first fault is claimed: a fault with a "match" is compared with it.
        request_text.set(f"{incoming.path}?{incoming.raw_query}\n{incoming.body.decode('utf-8', 'replace')}")
        fault = self._state.faults.claim(self._vendor.key, self._call.kind, REPLACING_FAULTS | RESPONSE_FAULTS)
        if fault is not None and fault.kind in REPLACING_FAULTS:
            return self._instead(incoming, fault)
        entry = self._open(incoming)
        vendor_response = await self._vendor_response(incoming, entry)
        response: Response = JSONResponse(
            dict(vendor_response.body),
            vendor_response.status,
            headers={k.lower(): v for k, v in vendor_response.headers.items()},
        )
        if fault is not None:
            entry["fault"] = fault.kind
            response = await self._spoil(response, fault, request, entry)
        # Only a submit that was accepted: one that was refused leaves the fault for the next, as the point is a
        # purchase without a response.
        elif vendor_response.job_id is not None and self._drops(entry):
            return DropConnection()
        else:
            entry["answered"] = True
        return response

    def _open(self, incoming: Incoming) -> Entry:
        ledger, key, call = self._state.ledger, self._vendor.key, self._call
        # A pull costs nothing, but it starts a job, and its caller must not start it twice either.
        if call.kind in (CallKind.SUBMIT, CallKind.PULL):
            return ledger.submission(key, call.operation, incoming.fields)
        is_status = call.kind in (CallKind.QUERY, CallKind.PULL_QUERY)
        entry = ledger.poll(key, call.operation, lookup=not is_status)
        entry["job_ids"] = incoming.job_ids
        return entry

    async def _vendor_response(self, incoming: Incoming, entry: Entry) -> VendorResponse:
        try:
            vendor_response = await self._call.handler(incoming)
        except Refused as refusal:
            vendor_response = refusal.response
            self._state.ledger.refuse(self._vendor.key, incoming.path, refusal.reason, vendor_response.code)
        entry["code"] = vendor_response.code
        if vendor_response.job_id is not None:
            entry |= {"outcome": "accepted", "job_id": vendor_response.job_id, "charged": vendor_response.charged}
            if vendor_response.charged:
                self._state.ledger.charge(self._vendor.key, vendor_response.job_id)
        return vendor_response

    def _drops(self, entry: Entry) -> bool:
        fault = self._state.faults.claim(self._vendor.key, self._call.kind, {FaultKind.ACCEPT_THEN_DROP})
        if fault is not None:
            entry["fault"] = fault.kind
        return fault is not None

    def _instead(self, incoming: Incoming, fault: Fault) -> Response:
        # The vendor never sees the call, so its handler fills in nothing: the body is what the ledger has.
        incoming.fields = incoming.json_object() or {}
        entry = self._open(incoming)
        entry["fault"] = fault.kind
        if fault.kind in (FaultKind.QUOTA_FULL, FaultKind.AUTH_FAILED):
            vendor_response = self._vendor.deny(fault.kind, self._call.kind, fault.code)
            entry |= {"code": vendor_response.code, "answered": True}
            self._state.ledger.refuse(self._vendor.key, incoming.path, fault.kind, vendor_response.code)
            return JSONResponse(
                dict(vendor_response.body), vendor_response.status, headers=dict(vendor_response.headers)
            )
        response = general_fault(fault)
        # A reset has no response: the ledger says so, as a client must not take it for one.
        if not isinstance(response, ResetConnection):
            entry |= {"code": response.status_code, "answered": True}
        self._state.ledger.refuse(self._vendor.key, incoming.path, fault.kind, entry["code"])
        return response

    async def _spoil(self, response: Response, fault: Fault, request: Request, entry: Entry) -> Response:
        if fault.kind is FaultKind.STALL:
            await asyncio.sleep(fault.seconds)
            # The client may have given up waiting: then it has no response, although the vendor did the work.
            entry["answered"] = not await request.is_disconnected()
            return response
        entry["answered"] = True
        # With the length of the half: HTTP is intact, and the JSON is not.
        whole = bytes(response.body)
        return Response(whole[: len(whole) // 2], response.status_code, media_type="application/json")


def general_fault(fault: Fault) -> Response:
    """Return the response of an injected fault that looks the same at every vendor.

    :param fault: one of :data:`REPLACING_FAULTS`.
    """
    match fault.kind:
        case FaultKind.HTTP_500:
            return PlainTextResponse("Internal Server Error", 500)
        case FaultKind.HTML_502:
            # As a reverse proxy sends it: HTML, where the client expects the vendor's JSON.
            return HTMLResponse("<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>", 502)
        case FaultKind.RATE_LIMITED:
            return JSONResponse({"code": 429, "message": "Too Many Requests"}, 429, headers=_retry_after(fault))
        case FaultKind.GARBAGE:
            return Response(GARBAGE, 200, media_type="application/json")
        case _:
            return ResetConnection()


def _retry_after(fault: Fault) -> dict[str, str]:
    if fault.retry_after is None:
        return {}
    # RFC 9110 has two forms of Retry-After, and a client has to read both.
    if fault.retry_after_date:
        return {"retry-after": formatdate(time.time() + fault.retry_after, usegmt=True)}
    return {"retry-after": str(fault.retry_after)}
