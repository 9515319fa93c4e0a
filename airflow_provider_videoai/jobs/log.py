# SPDX-License-Identifier: Apache-2.0
"""Where the engine writes its lines: Airflow's task log, or a plain logger."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Log"]


class Log(Protocol):
    """The part of a logger that is used here; both ``logging.Logger`` and Airflow's own have it."""

    # `event` is positional only, because the two loggers call it by different names.

    def info(self, event: str, /, *args: Any) -> Any:
        """Log a line about what happens.

        :param event: the message, with ``%s`` for each argument.
        :param args: values for the message.
        """

    def warning(self, event: str, /, *args: Any) -> Any:
        """Log a line that needs attention.

        :param event: the message, with ``%s`` for each argument.
        :param args: values for the message.
        """
