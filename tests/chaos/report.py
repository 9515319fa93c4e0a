# SPDX-License-Identifier: Apache-2.0
"""Report how the rounds went: a line each as they end, a table at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from tests.chaos.kinds import VENDORS
from tests.chaos.verdict import Facts, Fault, judge

_TOTALS = (
    (Fault.BOUGHT_TWICE, "jobs bought twice"),
    (Fault.LOST, "jobs lost"),
    (Fault.STUCK, "tasks stuck"),
    (Fault.UNCERTAIN_FOR_NOTHING, "SubmitUncertain though no answer was lost"),
    (Fault.NOT_AS_EXPECTED, "rounds with an unexpected outcome"),
    (Fault.UNEXPECTED, "rounds that an unexpected error ended"),
)


def line(name: str, facts: Facts) -> str:
    """Return one round in one line."""
    wrong = judge(facts)
    seen = " -> ".join(sight.error or sight.state for sight in facts.sights) or "-"
    if lost := sum(item.uncertain for item in facts.items.values()):
        seen += f" ({lost} of {len(facts.items)} items uncertain)"
    verdict = "; ".join(f"{fault.upper()}: {text}" for fault, text in wrong) or "ok"
    return f"{name} {facts.vendor:12} {facts.kind.name:45} bought {len(facts.bought)}  {seen}  {verdict}"


def show(name: str, facts: Facts, console: Console) -> Facts:
    """Print one round and return it."""
    console.print(line(name, facts), soft_wrap=True)
    return facts


def totals(played: Sequence[Facts]) -> dict[str, int]:
    """Count what must never be."""
    wrong = Counter(fault for facts in played for fault, _ in judge(facts))
    return {text: wrong[fault] for fault, text in _TOTALS}


def table(played: Sequence[Facts], console: Console) -> None:
    """Print rounds by kind and vendor: how many went well, and how many of these included ``SubmitUncertain``."""
    grid = Table("round", *VENDORS, "jobs bought", title="Rounds that went well (u: of these, with SubmitUncertain)")
    for name in dict.fromkeys(facts.kind.name for facts in played):
        mine = [facts for facts in played if facts.kind.name == name]
        cells = [_cell(facts for facts in mine if facts.vendor == vendor) for vendor in VENDORS]
        wanted = sum(facts.wanted for facts in mine)
        grid.add_row(name, *cells, f"{sum(len(facts.bought) for facts in mine)} of at most {wanted}")
    console.print(grid)


def figures(played: Sequence[Facts], console: Console) -> None:
    """Print what each kind of round cost: its jobs, what went wrong, what was uncertain, the seconds it took."""
    wrong = (Fault.BOUGHT_TWICE, Fault.LOST, Fault.STUCK, Fault.NOT_AS_EXPECTED, Fault.UNEXPECTED)
    grid = Table("round", "jobs", *wrong, "uncertain", "seconds", title="Rounds in figures")
    for name in dict.fromkeys(facts.kind.name for facts in played):
        mine = [facts for facts in played if facts.kind.name == name]
        faults = Counter(fault for facts in mine for fault, _ in judge(facts))
        counts = [sum(len(facts.bought) for facts in mine), *(faults[fault] for fault in wrong)]
        seconds = max(facts.seconds for facts in mine)
        grid.add_row(name, *map(str, counts), str(sum(facts.uncertain for facts in mine)), f"{seconds:.0f}")
    console.print(grid)


def conclude(played: Sequence[Facts], began: float, console: Console) -> int:
    """Print the tables of a run and its totals, whatever ended it; return the exit status.

    :param began: when the run began, by ``time.monotonic()``.
    """
    table(played, console)
    figures(played, console)
    console.print(f"{len(played)} rounds in {(time.monotonic() - began) / 60:.0f} min")
    counts = totals(played)
    for text, count in counts.items():
        console.print(f"{text}: {count}")
    return 1 if any(counts.values()) else 0


def _cell(played: Iterable[Facts]) -> str:
    played = list(played)
    if not played:
        return ""
    well = sum(not judge(facts) for facts in played)
    uncertain = sum(facts.uncertain for facts in played)
    return f"{well}/{len(played)}" + (f" {uncertain}u" if uncertain else "")
