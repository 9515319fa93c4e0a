# SPDX-License-Identifier: Apache-2.0
"""Play rounds at the same time, under one blow that falls on all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from rich.console import Console

from tests.chaos.report import show
from tests.chaos.rounds import TIMEOUT_SECONDS, Round
from tests.chaos.verdict import Facts


def play_together(rounds: Sequence[Round], blow: Callable[[], None], console: Console) -> dict[str, Facts]:
    """Begin the rounds, strike once they all got to where the blow is to fall; return how each went, by name."""
    barrier = threading.Barrier(len(rounds) + 1)
    with ThreadPoolExecutor(len(rounds)) as pool:
        playing = {pool.submit(each.play, barrier): each for each in rounds}
        try:
            barrier.wait(2 * TIMEOUT_SECONDS)
            blow()
            barrier.wait(2 * TIMEOUT_SECONDS)
        except BaseException:
            barrier.abort()
            for each in rounds:
                each.give_up()
            raise
        ended = ((playing[done].name, done.result()) for done in as_completed(playing))
        return {name: show(name, facts, console) for name, facts in ended}
