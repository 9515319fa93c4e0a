# SPDX-License-Identifier: Apache-2.0
"""Let a TERM end a run as Ctrl-C does: what is open unwinds, and so ends the processes that it started."""

from __future__ import annotations

import signal
from typing import NoReturn


def unwind_when_terminated(way_out: type[BaseException] = KeyboardInterrupt) -> None:
    """Turn the first TERM into an exception."""

    def unwind(*_: object) -> NoReturn:
        # `timeout` sends a TERM to its child and another to the child's group; the second must not cut the unwinding.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise way_out(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, unwind)
