# SPDX-License-Identifier: Apache-2.0
"""Make the tables and the chart of the page "Benchmarks" from a run's results. Each figure is the rounds' median."""

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
from benchmarks.providers import PROVIDERS

DOCS = Path(__file__).parents[1] / "docs"
MEASURED, IN_AIRFLOW = "measured", "measured in Airflow"
_HEAD = (
    "| | jobs | CPU ms per job-poll | x bare | start ms per job | requests per 100 job-polls | sockets "
    "| stall ms p99, max | longest block ms | delay s p50, p99 | KB per job |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|\n"
)
_HEAD_IN_AIRFLOW = (
    "| | jobs | all polled after s | CPU ms per job-poll | empty triggerer, ms per s | requests per 100 job-polls "
    "| loop blocked, times | detected after s p50, p99 | task ended after s p50, p99 | memory MB |\n"
    "|---|---|---|---|---|---|---|---|---|---|\n"
)

Run = dict[str, Any]


class Setting(NamedTuple):
    """What runs must have in common to be compared."""

    scheme: str
    mode: str
    jobs: int


class Cost(NamedTuple):
    """The cost of waiting above an idle trigger: milliseconds per job-poll and per started job, kilobytes per job."""

    poll: float
    start: float
    memory: float


def settings_of(runs: Iterable[Run]) -> dict[Setting, dict[str, list[Run]]]:
    """Group runs by setting, then by provider."""
    grouped: dict[Setting, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        grouped[Setting(run["scheme"], run["mode"], run["jobs"])][run["provider"]].append(run)
    return grouped


def cost_of(run: Run, idle: Run) -> Cost:
    """Return the cost of a run above the idle trigger in the same round.

    The cost of a poll is not a number if the provider fell behind: if starting all triggers took most of the time that
    was for measuring, or hardly any job was polled in it.
    """
    kept_up = run["seconds"] >= run["interval"] / 2 and run["job_polls"] >= run["tally"]["job_polls"] / 10
    cpu = run["cpu"] - idle["cpu"] * run["seconds"] / idle["seconds"] if kept_up else math.nan
    start = run["start_cpu"] - idle["start_cpu"]
    memory = run["memory"] - idle["memory"]
    return Cost(1000 * cpu / max(1, run["job_polls"]), 1000 * start / run["jobs"], memory / 1024 / run["jobs"])


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

    requests = middle(lambda run: 100 * run["tally"]["requests"] / max(1, run["tally"]["job_polls"]), ".1f")
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
        milliseconds("longest_block"),
        f"{middle(lambda run: run['delay_p50'], '.1f')}, {middle(lambda run: run['delay_p99'], '.1f')}",
        f"{cost.memory:z.1f}",
    ]
    return f"| {' | '.join(cells)} |\n"


def table(providers: dict[str, list[Run]], jobs: int) -> str:
    """Return the rows of one setting."""
    idle = providers["idle"]
    bare = costs_of(providers["bare"], idle) if "bare" in providers else None
    lines = []
    for key, runs in providers.items():
        ran = [run for run in runs if "cpu" in run]
        if not ran:
            lines.append(f"| {PROVIDERS[key].title} | {jobs:,} | {runs[0]['failure']} | | | | | | | | |\n")
        else:
            lines.append(_row(PROVIDERS[key].title, jobs, ran, costs_of(ran, idle), bare))
    return "".join(lines)


def tables(runs: list[Run]) -> str:
    """Return all tables, one per scheme and mode."""
    titles = {
        ("http", SPREAD): "Over plain HTTP",
        ("https", SPREAD): "Over TLS",
        ("http", AT_ONCE): "All started at once, as after a restart",
        ("http", FROZEN): "With `freeze_triggerer`, over plain HTTP",
        ("https", FROZEN): "With `freeze_triggerer`, over TLS",
    }
    grouped = settings_of(runs)
    parts = []
    for (scheme, mode), title in titles.items():
        found = sorted(each for each in grouped if (each.scheme, each.mode) == (scheme, mode))
        if found:
            parts.append(f"### {title}\n{_HEAD}" + "".join(table(grouped[each], each.jobs) for each in found))
    return "\n".join(parts)


def table_in_airflow(runs: list[Run]) -> str:
    """Return the table of the runs inside a real Airflow."""
    lines = [_HEAD_IN_AIRFLOW]
    for run in runs:
        missing = run["jobs"] - run["ended"]
        cells = [
            PROVIDERS[run["vendor"]].title + (f" ({missing:,} did not succeed)" if missing else ""),
            f"{run['jobs']:,}",
            f"{run['start_seconds']:.0f}",
            f"{1000 * (run['cpu'] - run['empty_cpu']) / run['job_polls']:.3f}",
            f"{1000 * run['empty_cpu'] / run['seconds']:.0f}",
            f"{100 * run['requests'] / run['job_polls']:.1f}",
            f"{run['blocked']}",
            f"{run['detected_p50']:.1f}, {run['detected_p99']:.1f}",
            f"{run['delay_p50']:.1f}, {run['delay_p99']:.1f}",
            f"{run['memory'] / 1024**2:.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |\n")
    return "".join(lines)


def draw(runs: list[Run], path: Path, jobs: int = 1000) -> None:
    """Draw CPU and requests per job-poll of each provider, over plain HTTP and over TLS."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only for the chart

    plt.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "benchmarks"}
    figure, (cpu, requests) = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True, layout="constrained")
    titles = [provider.title for provider in reversed(PROVIDERS.values()) if provider.key != "idle"]
    for scheme, color, shift in (("http", "#4c9f70", 0.19), ("https", "#2f6690", -0.19)):
        providers = settings_of(runs)[Setting(scheme, SPREAD, jobs)]
        for key, found in providers.items():
            ran = [run for run in found if "cpu" in run]
            if ran and key != "idle":
                place = titles.index(PROVIDERS[key].title) + shift
                cpu.barh(place, costs_of(ran, providers["idle"]).poll, 0.36, color=color)
                per_poll = statistics.median(run["tally"]["requests"] / run["tally"]["job_polls"] for run in ran)
                requests.barh(place, per_poll, 0.36, color=color)
    cpu.set_yticks(range(len(titles)), titles)
    for axes, label in ((cpu, "CPU ms per job-poll"), (requests, "requests per job-poll")):
        axes.set_xscale("log")
        axes.set_xlabel(f"{label} (log)")
        axes.spines[["top", "right"]].set_visible(False)
    handles = [plt.Rectangle((0, 0), 1, 1, color=color) for color in ("#4c9f70", "#2f6690")]
    cpu.legend(handles, ["plain HTTP", "TLS"], frameon=False, loc="lower right")
    figure.suptitle(f"{jobs:,} waiting jobs on one triggerer, 2 cores")
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Write the page's tables and its chart, as far as there are results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--results-in-airflow", type=Path, default=RESULTS_IN_AIRFLOW)
    options = parser.parse_args()
    page = DOCS / "explanation/benchmarks.md"
    text = page.read_text()
    if options.results.exists():
        runs = _read(options.results)
        text = _filled(text, MEASURED, tables(runs))
        draw(runs, DOCS / "pictures/benchmarks.svg")
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
