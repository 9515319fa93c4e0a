# SPDX-License-Identifier: Apache-2.0
"""Make the tables and the chart of docs/benchmarks.md from the results of a run. Each figure is the rounds' median."""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.__main__ import AT_ONCE, FROZEN, RESULTS, RESULTS_IN_AIRFLOW, SPREAD
from benchmarks.contenders import CONTENDERS

DOCS = Path(__file__).parents[1] / "docs"
MEASURED, IN_AIRFLOW = "measured", "measured in Airflow"
_HEAD = (
    "| | jobs | CPU ms a job-poll | x bare | start ms a job | requests in 100 job-polls | sockets | stall ms p99, max "
    "| longest turn ms | delay s p50, p99 | KB a job |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
)
_HEAD_IN_AIRFLOW = (
    "| | jobs | all asked for after s | CPU ms a job-poll | empty triggerer, ms a s | requests in 100 job-polls "
    "| loop blocked, times | noticed after s p50, p99 | task ended after s p50, p99 | memory MB |\n"
    "|---|---|---|---|---|---|---|---|---|---|\n"
)

Run = dict[str, Any]


class Setting(NamedTuple):
    """What contenders have in common that may be compared."""

    scheme: str
    way: str
    jobs: int


class Cost(NamedTuple):
    """What waiting took over an idle trigger: milliseconds a job-poll and a started job, kilobytes a job."""

    poll: float
    start: float
    memory: float


def settings_of(runs: Iterable[Run]) -> dict[Setting, dict[str, list[Run]]]:
    """Group runs by what they may be compared in, then by contender."""
    grouped: dict[Setting, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        grouped[Setting(run["scheme"], run["way"], run["jobs"])][run["contender"]].append(run)
    return grouped


def cost_of(run: Run, idle: Run) -> Cost:
    """Return what a run took over the idle trigger in the same round.

    Who could not start all triggers in time, or had asked in vain until then, had no part of the run left in which to
    take a poll's cost: not a number.
    """
    kept_up = run["seconds"] >= run["interval"] / 2 and run["asks"] >= run["tally"]["asks"] / 10
    cpu = run["cpu"] - idle["cpu"] * run["seconds"] / idle["seconds"] if kept_up else math.nan
    start = run["start_cpu"] - idle["start_cpu"]
    memory = run["memory"] - idle["memory"]
    return Cost(1000 * cpu / max(1, run["asks"]), 1000 * start / run["jobs"], memory / 1024 / run["jobs"])


def costs_of(runs: list[Run], idle: list[Run]) -> Cost:
    """Return the median over the rounds."""
    beside = {run["round"]: run for run in idle}
    each = [cost_of(run, beside[run["round"]]) for run in runs if run["round"] in beside]
    return Cost(*(statistics.median(values) for values in zip(*each, strict=True)))


def _row(title: str, jobs: int, runs: list[Run], cost: Cost, bare: Cost | None) -> str:
    def middle(value: Callable[[Run], float | None], form: str) -> str:
        known = [each for each in map(value, runs) if each is not None]
        return format(statistics.median(known), form) if known else ""

    def milliseconds(name: str) -> str:
        return middle(lambda run: 1000 * run[name] if name in run else None, ".0f")

    requests = middle(lambda run: 100 * run["tally"]["requests"] / max(1, run["tally"]["asks"]), ".1f")
    opened = middle(lambda run: run["tally"]["connections"], ".0f")
    missing = max(jobs - run["events"] for run in runs)
    cells = [
        title + (f" ({missing:,} never ended)" if missing else ""),
        f"{jobs:,}",
        "fell behind" if math.isnan(cost.poll) else f"{cost.poll:z.3f}",
        f"{cost.poll / bare.poll:z.2f}" if bare and not math.isnan(cost.poll) else "",
        f"{cost.start:z.2f}",
        requests,
        f"{middle(lambda run: run['tally']['most_sockets'], '.0f')} of {opened}",
        f"{milliseconds('stall_p99')}, {milliseconds('stall_max')}",
        milliseconds("longest_turn"),
        f"{middle(lambda run: run['delay_p50'], '.1f')}, {middle(lambda run: run['delay_p99'], '.1f')}",
        f"{cost.memory:z.1f}",
    ]
    return f"| {' | '.join(cells)} |\n"


def table(contenders: dict[str, list[Run]], jobs: int) -> str:
    """Return the rows of one setting."""
    idle = contenders["idle"]
    bare = costs_of(contenders["bare"], idle) if "bare" in contenders else None
    lines = []
    for key, runs in contenders.items():
        ran = [run for run in runs if "cpu" in run]
        if not ran:
            lines.append(f"| {CONTENDERS[key].title} | {jobs:,} | {runs[0]['failure']} | | | | | | | | |\n")
        else:
            lines.append(_row(CONTENDERS[key].title, jobs, ran, costs_of(ran, idle), bare))
    return "".join(lines)


def tables(runs: list[Run]) -> str:
    """Return all tables, one for each scheme and way to run."""
    titles = {
        ("http", SPREAD): "Over plain HTTP",
        ("https", SPREAD): "Over TLS",
        ("http", AT_ONCE): "All started at once, as after a restart",
        ("http", FROZEN): "With `freeze_triggerer`, over plain HTTP",
        ("https", FROZEN): "With `freeze_triggerer`, over TLS",
    }
    grouped = settings_of(runs)
    parts = []
    for (scheme, way), title in titles.items():
        found = sorted(each for each in grouped if (each.scheme, each.way) == (scheme, way))
        if found:
            parts.append(f"### {title}\n{_HEAD}" + "".join(table(grouped[each], each.jobs) for each in found))
    return "\n".join(parts)


def table_in_airflow(runs: list[Run]) -> str:
    """Return the table of the runs inside a real Airflow."""
    lines = [_HEAD_IN_AIRFLOW]
    for run in runs:
        missing = run["jobs"] - run["ended"]
        cells = [
            CONTENDERS[run["vendor"]].title + (f" ({missing:,} did not succeed)" if missing else ""),
            f"{run['jobs']:,}",
            f"{run['start_seconds']:.0f}",
            f"{1000 * (run['cpu'] - run['empty_cpu']) / run['asks']:.3f}",
            f"{1000 * run['empty_cpu'] / run['seconds']:.0f}",
            f"{100 * run['requests'] / run['asks']:.1f}",
            f"{run['blocked']}",
            f"{run['noticed_p50']:.1f}, {run['noticed_p99']:.1f}",
            f"{run['delay_p50']:.1f}, {run['delay_p99']:.1f}",
            f"{run['memory'] / 1024**2:.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |\n")
    return "".join(lines)


def draw(runs: list[Run], path: Path, jobs: int = 1000) -> None:
    """Draw CPU and requests a job-poll of everybody, over plain HTTP and over TLS."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only where it is drawn

    plt.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "benchmarks"}
    figure, (cpu, requests) = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True, layout="constrained")
    titles = [contender.title for contender in reversed(CONTENDERS.values()) if contender.key != "idle"]
    for scheme, color, shift in (("http", "#4c9f70", 0.19), ("https", "#2f6690", -0.19)):
        contenders = settings_of(runs)[Setting(scheme, SPREAD, jobs)]
        for key, found in contenders.items():
            ran = [run for run in found if "cpu" in run]
            if ran and key != "idle":
                place = titles.index(CONTENDERS[key].title) + shift
                cpu.barh(place, costs_of(ran, contenders["idle"]).poll, 0.36, color=color)
                asked = statistics.median(run["tally"]["requests"] / run["tally"]["asks"] for run in ran)
                requests.barh(place, asked, 0.36, color=color)
    cpu.set_yticks(range(len(titles)), titles)
    for axes, label in ((cpu, "CPU ms a job-poll"), (requests, "requests a job-poll")):
        axes.set_xscale("log")
        axes.set_xlabel(f"{label} (log)")
        axes.spines[["top", "right"]].set_visible(False)
    handles = [plt.Rectangle((0, 0), 1, 1, color=color) for color in ("#4c9f70", "#2f6690")]
    cpu.legend(handles, ["plain HTTP", "TLS"], frameon=False, loc="lower right")
    figure.suptitle(f"{jobs:,} waiting jobs on one triggerer, 2 cores")
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Write docs/benchmarks.md's tables and docs/benchmarks.svg, as far as there are results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--results-in-airflow", type=Path, default=RESULTS_IN_AIRFLOW)
    options = parser.parse_args()
    page = DOCS / "benchmarks.md"
    text = page.read_text()
    if options.results.exists():
        runs = _read(options.results)
        text = _filled(text, MEASURED, tables(runs))
        draw(runs, DOCS / "benchmarks.svg")
    if options.results_in_airflow.exists():
        text = _filled(text, IN_AIRFLOW, table_in_airflow(_read(options.results_in_airflow)))
    page.write_text(text)


def _read(results: Path) -> list[Run]:
    return [json.loads(line) for line in results.read_text().splitlines()]


def _filled(text: str, name: str, content: str) -> str:
    """Put ``content`` between the marks of this name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{content}{end}{after}"


if __name__ == "__main__":
    main()
