# SPDX-License-Identifier: Apache-2.0
"""The sandbox for tests: started, controlled and ended from Python."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from airflow_provider_videoai.sandbox.clock import Durations
from airflow_provider_videoai.sandbox.credentials import connections
from airflow_provider_videoai.sandbox.server import SandboxServer

SECONDS = 30.0
"""How long a control request may take."""
RENDER_SECONDS = 600.0
"""The same of one that waits for media: a machine may be busy."""


class Sandbox:
    """A running sandbox, controlled through its HTTP API.

    A control request that the sandbox refuses raises :class:`ValueError`.

    :param url: its base URL, without a slash at the end.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        # trust_env off: a proxy of the environment could not reach a sandbox on loopback.
        self._client = httpx.Client(base_url=url, timeout=SECONDS, trust_env=False)

    def connections(self) -> dict[str, str]:
        """Return environment variables (``AIRFLOW_CONN_...``) that point Airflow at this sandbox."""
        return connections(self.url)

    def index(self) -> dict[str, Any]:
        """Return what there is: calls, samples, built-in ids, control fields."""
        return self._request("GET", "/sandbox")

    def sample(self, name: str = "short") -> str:
        """Return the URL of a sample.

        :param name: ``clip``, ``short``, ``speech`` or ``large``.
        :raises ValueError: for another one.
        """
        found: dict[str, Any] = self.index()["samples"]
        if name not in found:
            raise ValueError(f"there is no sample {name!r}; there are {', '.join(found)}")
        return str(found[name]["url"])

    @property
    def charges(self) -> list[dict[str, Any]]:
        """What money was taken for since the last reset, oldest first: ``vendor``, ``job_id``, ``at``."""
        found: list[dict[str, Any]] = self.ledger()["charges"]
        return found

    def ledger(self, vendor: str | None = None) -> dict[str, Any]:
        """Return the ledger: ``submissions``, ``charges``, ``polls``, ``lookups``, ``refused``, ``totals``.

        :param vendor: one vendor's entries only; ``None``: those of all.
        :returns: lists of entries, oldest first, and ``totals`` by vendor.
        :raises ValueError: for an unknown vendor.
        """
        return self._request("GET", "/sandbox/ledger" + (f"?vendor={vendor}" if vendor else ""))

    def clear_ledger(self) -> None:
        """Empty the ledger."""
        self._request("DELETE", "/sandbox/ledger")

    def fault(self, **fields: Any) -> dict[str, Any]:
        """Inject a fault.

        :param fields: as the page "The sandbox" lists them; ``kind`` is required.
        :returns: the fault with its defaults and its id.
        :raises ValueError: for an unknown or wrong field.
        """
        return self._request("POST", "/sandbox/faults", fields)

    def faults(self) -> list[dict[str, Any]]:
        """Return the injected faults, each with how often it fired."""
        found: list[dict[str, Any]] = self._request("GET", "/sandbox/faults")["faults"]
        return found

    def clear_faults(self) -> None:
        """Cancel all faults."""
        self._request("DELETE", "/sandbox/faults")

    def clock(self, **fields: Any) -> dict[str, Any]:
        """Set durations of jobs, or advance the time of jobs in flight.

        :param fields: ``queue_seconds`` and ``run_seconds`` of jobs submitted from now on, ``advance`` in seconds,
            ``await_media`` to return only when the media of jobs that have ended by then are rendered, and ``vendor``
            to change one vendor only.
        :returns: the settings by vendor.
        :raises ValueError: for an unknown field, or a negative number.
        """
        return self._request("POST", "/sandbox/clock", fields, RENDER_SECONDS if fields.get("await_media") else SECONDS)

    def shapes(self, **shapes: str) -> dict[str, Any]:
        """Choose response shapes.

        :param shapes: the shape by vendor, such as ``aidge="bare"``.
        :returns: the shape of every vendor that has more than one.
        :raises ValueError: for a shape that the vendor's documents do not describe.
        """
        return self._request("POST", "/sandbox/shapes", shapes)

    def reset(self) -> None:
        """Return everything to the start."""
        self._request("POST", "/sandbox/reset")

    def close(self) -> None:
        """Close this handle's own connections; the server goes on."""
        self._client.close()

    def _request(
        self, method: str, path: str, fields: dict[str, Any] | None = None, seconds: float = SECONDS
    ) -> dict[str, Any]:
        response = self._client.request(method, path, json=fields, timeout=seconds)
        # The control API sends 400 for a wrong field, with the reason for the person who wrote the test.
        if response.status_code == httpx.codes.BAD_REQUEST:
            raise ValueError(response.json()["error"])
        response.raise_for_status()
        # A 204 has no body.
        found: dict[str, Any] = response.json() if response.content else {}
        return found


@contextmanager
def running_sandbox(
    *,
    queue_seconds: float = Durations.queue_seconds,
    run_seconds: float = Durations.run_seconds,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[Sandbox]:
    """Run a sandbox in a thread of this process.

    :param queue_seconds: how long a job waits in the vendor's queue; :meth:`Sandbox.reset` returns to it.
    :param run_seconds: how long it runs then, at least until its media are rendered.
    :param host: the address to listen on.
    :param port: 0 takes a free one.
    :raises OSError: if the port is taken.
    """
    server = SandboxServer(host, port, Durations(queue_seconds, run_seconds))
    server.start()
    sandbox = Sandbox(server.url)
    try:
        yield sandbox
    finally:
        sandbox.close()
        server.stop()
