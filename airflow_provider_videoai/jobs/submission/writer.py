# SPDX-License-Identifier: Apache-2.0
"""Who wrote a submission record: what a person needs to know to see whether that attempt is still alive."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import Any, Self

from airflow_provider_videoai.jobs.values.printable import printable

__all__ = ["Writer"]

_LONGEST_HOST = 255


@dataclass(frozen=True, slots=True)
class Writer:
    """An attempt of a task, and where it ran.

    :param attempt: Airflow's try number, from 1 on.
    :param host: the name of its machine or container.
    :param process: the process id there.
    """

    attempt: int
    host: str
    process: int

    @classmethod
    def here(cls, attempt: int, host: str | None = None) -> Self:
        """Return the writer that this process is.

        :param attempt: Airflow's try number.
        :param host: the host as Airflow names it, which is the one that a person finds in its UI.
        """
        return cls(attempt, printable(host or socket.gethostname())[:_LONGEST_HOST], os.getpid())

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"attempt": self.attempt, "host": self.host, "process": self.process}

    @classmethod
    def from_json(cls, stored: Any) -> Self:
        """Read what :meth:`to_json` of this or a later version wrote.

        :raises ValueError: for anything else.
        """
        match stored:
            case {"attempt": int(attempt), "host": str(host), "process": int(process)} if len(host) <= _LONGEST_HOST:
                return cls(attempt, printable(host), process)
        raise ValueError("not a writer")

    def __str__(self) -> str:
        return f"try {self.attempt} on host {self.host} (process {self.process})"
