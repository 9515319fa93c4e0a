# SPDX-License-Identifier: Apache-2.0
"""Let Ctrl-C or a TERM end a run in good order: what is open unwinds, and so ends the processes that it started."""

from __future__ import annotations

import os
import signal
from typing import NoReturn


def unwind_on(*signals: signal.Signals, way_out: type[BaseException] = SystemExit) -> None:
    """Turn the first of these signals into an exception, and ignore those that follow."""

    def unwind(number: int, _frame: object) -> NoReturn:
        # Unwinding takes seconds. Neither an impatient second Ctrl-C may cut it short nor `timeout`, which sends a TERM
        # to its child and another to the child's group.
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        # Not `print`: a signal may come amid one, and Python's buffers are not re-entrant.
        os.write(2, b"\nEnding what was started ...\n")
        raise way_out(128 + number)

    for each in signals:
        signal.signal(each, unwind)
