# SPDX-License-Identifier: Apache-2.0
"""The control API below ``/sandbox``, and the samples."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from airflow_provider_videoai.sandbox.credentials import CREDENTIALS
from airflow_provider_videoai.sandbox.endpoints import Vendor
from airflow_provider_videoai.sandbox.faults import InvalidControlRequest
from airflow_provider_videoai.sandbox.index import index
from airflow_provider_videoai.sandbox.media import large_clip, samples
from airflow_provider_videoai.sandbox.media.rendered import Media
from airflow_provider_videoai.sandbox.media.serving import serve
from airflow_provider_videoai.sandbox.state import SandboxState

Endpoint = Callable[[Request], Awaitable[Response]]
SECONDS_FIELDS = ("queue_seconds", "run_seconds", "advance")
CLOCK_FIELDS = (*SECONDS_FIELDS, "await_media")


def _guarded(endpoint: Endpoint) -> Endpoint:
    """Respond to an invalid control request with 400 and the name of the field."""

    async def guarded(request: Request) -> Response:
        try:
            return await endpoint(request)
        except InvalidControlRequest as error:
            return JSONResponse({"error": error.text, "field": error.field}, 400)

    return guarded


async def _fields(request: Request) -> dict[str, Any]:
    try:
        found = await request.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidControlRequest("body", "the body must be a JSON object")
    return found


class Control:
    """The endpoints below ``/sandbox``, and the samples.

    :param state: what they show and change.
    :param vendors: reset together with it.
    """

    def __init__(self, state: SandboxState, vendors: list[Vendor]) -> None:
        self._state = state
        self._vendors = vendors
        self._samples: dict[str, Media] = {}
        self._drawing = asyncio.Lock()

    def routes(self) -> list[Route]:
        """Return the routes."""
        table: list[tuple[str, str, Endpoint]] = [
            ("", "GET", self.index),
            ("/ledger", "GET", self.ledger),
            ("/ledger", "DELETE", self.clear_ledger),
            ("/faults", "GET", self.faults),
            ("/faults", "POST", self.inject_fault),
            ("/faults", "DELETE", self.clear_faults),
            ("/clock", "GET", self.clock),
            ("/clock", "POST", self.set_clock),
            ("/shapes", "GET", self.shapes),
            ("/shapes", "POST", self.choose_shapes),
            ("/reset", "POST", self.reset),
        ]
        samples = Route("/sample/{name}", self.sample, methods=["GET"])
        return [samples, *(Route(f"/sandbox{path}", _guarded(go), methods=[verb]) for path, verb, go in table)]

    async def index(self, request: Request) -> Response:
        """List the calls, samples, ids and control fields.

        :param request: its base URL is that of the samples.
        """
        return JSONResponse(index(str(request.base_url).rstrip("/"), self._vendors))

    async def ledger(self, request: Request) -> Response:
        """Return the ledger.

        :param request: ``vendor`` in its query restricts it to one vendor.
        :raises InvalidControlRequest: for another parameter, or an unknown vendor.
        """
        return JSONResponse(self._state.ledger.describe(_vendor(dict(request.query_params))))

    async def clear_ledger(self, request: Request) -> Response:  # noqa: ARG002 - the method says all
        """Empty the ledger.

        :param request: not read.
        """
        self._state.ledger.clear()
        return Response(status_code=204)

    async def faults(self, request: Request) -> Response:  # noqa: ARG002 - the method says all
        """List the injected faults.

        :param request: not read.
        """
        return JSONResponse({"faults": self._state.faults.describe()})

    async def inject_fault(self, request: Request) -> Response:
        """Inject a fault.

        :param request: its body is a JSON object with the fault's fields.
        :raises InvalidControlRequest: for an unknown or wrong field.
        """
        return JSONResponse(asdict(self._state.faults.inject(await _fields(request))), 201)

    async def clear_faults(self, request: Request) -> Response:  # noqa: ARG002 - the method says all
        """Remove all faults.

        :param request: not read.
        """
        self._state.faults.clear()
        return Response(status_code=204)

    async def clock(self, request: Request) -> Response:  # noqa: ARG002 - the method says all
        """Return the durations of jobs.

        :param request: not read.
        """
        return JSONResponse(self._state.clock.describe())

    async def set_clock(self, request: Request) -> Response:
        """Set durations of jobs to come, or advance the time of jobs in flight.

        :param request: its body has ``queue_seconds``, ``run_seconds`` and ``advance`` in seconds, ``vendor``, and
            ``await_media``: whether to reply only when the media of jobs that have ended by then are rendered.
        :raises InvalidControlRequest: for an unknown field, or one of another kind.
        """
        fields = await _fields(request)
        vendor = _vendor({name: value for name, value in fields.items() if name not in CLOCK_FIELDS})
        for name in SECONDS_FIELDS:
            value = fields.get(name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0):
                raise InvalidControlRequest(name, f"{name} must be seconds, at least 0, not {value!r}")
        if not isinstance(await_media := fields.get("await_media", False), bool):
            raise InvalidControlRequest("await_media", f"await_media must be true or false, not {await_media!r}")
        # All fields are checked before the first is applied: a refused request changes nothing.
        self._state.clock.change(vendor, fields.get("queue_seconds"), fields.get("run_seconds"))
        self._state.clock.advance(vendor, fields.get("advance") or 0.0)
        if await_media:
            await self._state.jobs.rendered(vendor)
        return JSONResponse(self._state.clock.describe())

    async def shapes(self, request: Request) -> Response:  # noqa: ARG002 - the method says all
        """Return the response shapes.

        :param request: not read.
        """
        return JSONResponse(self._state.shapes.describe())

    async def choose_shapes(self, request: Request) -> Response:
        """Choose response shapes.

        :param request: its body has the shape by vendor.
        :raises InvalidControlRequest: for a shape that the vendor does not have.
        """
        self._state.shapes.choose(await _fields(request))
        return JSONResponse(self._state.shapes.describe())

    async def reset(self, request: Request) -> Response:  # noqa: ARG002 - the method says all
        """Return everything to its state at the start.

        :param request: not read.
        """
        self._state.reset()
        for vendor in self._vendors:
            vendor.reset()
        # A fault may have replaced or expired a sample: the next request draws it, under a new token.
        self._samples.clear()
        return Response(status_code=204)

    async def sample(self, request: Request) -> Response:
        """Serve a sample; the first request for it waits until it is drawn.

        :param request: its path names the sample.
        """
        name = request.path_params["name"]
        make = _maker(name)
        if make is None:
            there = "clip.mp4, short.mp4, speech.mp3, large-<megabytes>.mp4"
            return JSONResponse({"error": f"no such sample; there are {there}"}, 404)
        # Two requests at once must not draw the same sample twice.
        async with self._drawing:
            if name not in self._samples:
                # A thread of its own: render threads may be waiting for this very sample.
                media = self._state.store.add("sample", name)
                await asyncio.to_thread(make, media.path)
                self._samples[name] = media
        return await serve(self._state, "sample", self._samples[name], request)


def _maker(name: str) -> Callable[[Path], object] | None:
    """Return what writes a sample of this name to a file."""
    if name == "clip.mp4":
        return lambda path: path.write_bytes(samples.sample_clip())
    if name == "short.mp4":
        return lambda path: path.write_bytes(samples.sample_clip(samples.SHORT_SECONDS))
    if name == "speech.mp3":
        return lambda path: path.write_bytes(samples.sample_speech())
    megabytes = re.fullmatch(r"large-([1-9]\d{0,2}|1000)\.mp4", name)
    return partial(large_clip.write_large_clip, megabytes=int(megabytes[1])) if megabytes else None


def _vendor(fields: dict[str, Any]) -> str | None:
    for name in fields:
        if name != "vendor":
            raise InvalidControlRequest(name, f"there is no field {name!r}")
    vendor = fields.get("vendor")
    if vendor is not None and vendor not in CREDENTIALS:
        raise InvalidControlRequest("vendor", f"vendor must be one of {sorted(CREDENTIALS)}, not {vendor!r}")
    return vendor
