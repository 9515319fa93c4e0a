# SPDX-License-Identifier: Apache-2.0
"""Play rounds at the same time, under one blow that falls on all of them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import Any

from rich.console import Console

from tests.chaos.report import show
from tests.chaos.rounds import TIMEOUT_SECONDS, Round
from tests.chaos.verdict import Facts

log = logging.getLogger(__name__)


class _Weather:
    """Where rounds wait for the blow, and whoever strikes waits for them; who ends before is not waited for."""

    def __init__(self, names: Iterable[str]) -> None:
        self._absent = set(names)
        self._changed = threading.Condition()
        self._over = threading.Event()

    def __call__(self, name: str) -> None:
        self.excuse(name)
        if not self._over.wait(4 * TIMEOUT_SECONDS):
            raise TimeoutError(f"{name}: the blow did not end")

    def excuse(self, name: str) -> None:
        with self._changed:
            self._absent.discard(name)
            self._changed.notify_all()

    def gather(self) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: not self._absent, 2 * TIMEOUT_SECONDS):
                raise TimeoutError(f"did not come to where the blow falls: {', '.join(sorted(self._absent))}")

    def clear_up(self) -> None:
        self._over.set()


def play_together(rounds: Sequence[Round], blow: Callable[[], None], console: Console) -> dict[str, Facts]:
    """Begin the rounds, strike once they all got to where the blow is to fall; return how each went, by name."""
    weather = _Weather(each.name for each in rounds)
    with ThreadPoolExecutor(len(rounds)) as pool:
        playing = {pool.submit(each.play, weather): each for each in rounds}
        for future, each in playing.items():
            future.add_done_callback(lambda _, name=each.name: weather.excuse(name))  # type: ignore[misc]
        try:
            weather.gather()
            missed = _strike(blow)
        except TimeoutError as late:
            missed = {"struck": False, "measured": (str(late),)}
        except BaseException:
            for each in rounds:
                each.give_up()
            raise
        finally:
            weather.clear_up()
        ended = ((playing[done].name, replace(done.result(), **missed)) for done in as_completed(playing))
        return {name: show(name, facts, console) for name, facts in ended}


def _strike(blow: Callable[[], None]) -> dict[str, Any]:
    """Strike, and return what then is to be noted of each round: nothing, if the blow fell as it should.

    :raises TimeoutError: if what the blow waits for did not come.
    """
    try:
        blow()
    except TimeoutError:
        raise
    except Exception as error:
        # The rounds go on to whatever end they come to: that is what is judged.
        log.exception("the blow: unexpected")
        return {"unexpected": f"the blow: {type(error).__name__}: {error}"}
    return {}
