# SPDX-License-Identifier: Apache-2.0
"""Where the engine writes its lines: Airflow's task log, or a plain logger."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Log"]


class Log(Protocol):
    """The part of a logger that is used here; both ``logging.Logger`` and Airflow's own have it."""

    def info(self, event: str, /, *args: Any) -> Any:
        """Write a line about what happens."""

    def warning(self, event: str, /, *args: Any) -> Any:
        """Write a line that wants attention."""
