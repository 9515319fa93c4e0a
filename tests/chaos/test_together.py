# SPDX-License-Identifier: Apache-2.0
"""One round's error, or the blow's, ends neither the other rounds nor the run."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, cast

from rich.console import Console

from tests.chaos.kinds import Kind
from tests.chaos.rounds import Round
from tests.chaos.together import play_together
from tests.chaos.verdict import Facts, Fault, Sight, judge

KIND = Kind(name="calm")


class Script(Round):
    """A round whose steps are given; without a vendor's ledger."""

    def __init__(self, name: str, begin: Callable[[], None]) -> None:
        super().__init__(cast("Any", None), KIND, "topview", name)
        self._begin = begin  # type: ignore[method-assign]
        self._follow_the_error_message = lambda: None  # type: ignore[method-assign]
        self._bought = lambda: ["job-1"]  # type: ignore[method-assign]

    def _end(self) -> None:
        self._counts.append(1)
        self._sights.append(Sight("success", job_id="job-1"))


def play(blow: Callable[[], None], **begins: Callable[[], None]) -> dict[str, Facts]:
    rounds = [Script(name, begin) for name, begin in begins.items()]
    return play_together(rounds, blow, Console(file=io.StringIO()))


def fine() -> None:
    pass


def breaks() -> None:
    raise KeyError("task")


def late() -> None:
    raise TimeoutError("not within 300 s")


def test_round_that_breaks_is_noted_and_the_blow_still_falls_on_the_others() -> None:
    struck = list[str]()
    played = play(lambda: struck.append("blow"), broken=breaks, stuck=late, well=fine)
    assert struck == ["blow"]
    assert [fault for fault, _ in judge(played["broken"])] == [Fault.UNEXPECTED]
    assert [fault for fault, _ in judge(played["stuck"])] == [Fault.STUCK]
    assert judge(played["well"]) == []


def test_blow_that_breaks_is_noted_of_every_round_and_all_end() -> None:
    played = play(breaks, one=fine, two=fine)
    assert [facts.unexpected for facts in played.values()] == ["the blow: KeyError: 'task'"] * 2


def test_blow_that_finds_nothing_to_strike_proves_nothing() -> None:
    played = play(late, one=fine)
    assert not played["one"].struck
    assert played["one"].measured == ("not within 300 s",)
