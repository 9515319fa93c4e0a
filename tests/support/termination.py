# SPDX-License-Identifier: Apache-2.0
"""Let a TERM end the tests as Ctrl-C does: fixtures unwind, and so end the processes that they started."""

from __future__ import annotations

import signal


def unwind_when_terminated() -> None:
    """Turn the first TERM into ``KeyboardInterrupt``."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(*_: object) -> None:
    # `timeout` sends a TERM to its child and another to the child's group; the second must not cut the unwinding short.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt
