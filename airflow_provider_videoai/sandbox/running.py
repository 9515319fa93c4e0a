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


class Sandbox:
    """A running sandbox, controlled through its HTTP API. A control request that it refuses raises ``ValueError``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, timeout=30, trust_env=False)

    def connections(self) -> dict[str, str]:
        """Return environment variables (``AIRFLOW_CONN_...``) that point Airflow at this sandbox."""
        return connections(self.url)

    def index(self) -> dict[str, Any]:
        """Return what there is: calls, samples, built-in ids, control fields."""
        return self._request("GET", "/sandbox")

    def ledger(self, vendor: str | None = None) -> dict[str, Any]:
        """Return the books: ``submissions``, ``charges``, ``polls``, ``lookups``, ``refused``, ``totals``."""
        return self._request("GET", "/sandbox/ledger" + (f"?vendor={vendor}" if vendor else ""))

    def clear_ledger(self) -> None:
        """Empty the books."""
        self._request("DELETE", "/sandbox/ledger")

    def fault(self, **fields: Any) -> dict[str, Any]:
        """InpaintRequest a fault; returns it with its id."""
        return self._request("POST", "/sandbox/faults", fields)

    def faults(self) -> list[dict[str, Any]]:
        """Return the ordered faults, each with how often it fired."""
        found: list[dict[str, Any]] = self._request("GET", "/sandbox/faults")["faults"]
        return found

    def clear_faults(self) -> None:
        """Cancel all faults."""
        self._request("DELETE", "/sandbox/faults")

    def clock(self, **fields: Any) -> dict[str, Any]:
        """Set ``queue_seconds`` and ``run_seconds``, or ``advance``, of all vendors or one; returns all settings."""
        return self._request("POST", "/sandbox/clock", fields)

    def shapes(self, **shapes: str) -> dict[str, Any]:
        """Choose forms of answers; returns all of them."""
        return self._request("POST", "/sandbox/shapes", shapes)

    def reset(self) -> None:
        """Return everything to the start."""
        self._request("POST", "/sandbox/reset")

    def close(self) -> None:
        """Close this handle's own connections; the server goes on."""
        self._client.close()

    def _request(self, method: str, path: str, fields: dict[str, Any] | None = None) -> dict[str, Any]:
        response = self._client.request(method, path, json=fields)
        if response.status_code == httpx.codes.BAD_REQUEST:
            raise ValueError(response.json()["error"])
        response.raise_for_status()
        found: dict[str, Any] = response.json() if response.content else {}
        return found


@contextmanager
def running_sandbox(
    *, queue_seconds: float = 1.5, run_seconds: float = 4.0, host: str = "127.0.0.1", port: int = 0
) -> Iterator[Sandbox]:
    """Run a sandbox in a thread of this process, on a free port unless one is given.

    The durations, in seconds, are those that :meth:`Sandbox.reset` returns to.
    """
    server = SandboxServer(host, port, Durations(queue_seconds, run_seconds))
    server.start()
    sandbox = Sandbox(server.url)
    try:
        yield sandbox
    finally:
        sandbox.close()
        server.stop()
