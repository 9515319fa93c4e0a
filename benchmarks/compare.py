# SPDX-License-Identifier: Apache-2.0
"""Compare this checkout with another one: both wait for as many jobs at the same time, on the same core.

A machine's speed may change by half within minutes, so that two runs in turn differ by more than two versions do. At
the same time on one core, with a server each on the others, both meet the same conditions. Both checkouts need
``make .venv-bench/.ready``; then ``.venv-bench/bin/python -m benchmarks.compare ../other topview viitor``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.__main__ import SIZES, environment_of, serving
from benchmarks.certificates import write_certificates

HERE = Path(__file__).parents[1]
FIGURES = ("cpu", "start_cpu", "first_cpu", "stall_max")


def single_run(checkout: Path, provider: str, jobs: int, url: str, environment: dict[str, str]) -> dict[str, Any]:
    """Measure one provider of a checkout, in a process of its own.

    :param checkout: its folder.
    :param provider: the provider's name.
    :param jobs: how many.
    :param url: of its server.
    :param environment: of the process.
    :returns: what :mod:`benchmarks.single_run` printed.
    """
    size = SIZES[jobs]
    command = [str(checkout / ".venv-bench/bin/python"), "-m", "benchmarks.single_run", provider, "--jobs", str(jobs)]
    command += ["--interval", str(size.interval), "--polls", str(size.polls), "--url", url]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def main() -> None:
    """Run the comparison; see the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path, help="the checkout to compare with")
    parser.add_argument("providers", nargs="+")
    parser.add_argument("--jobs", type=int, default=1000, choices=SIZES)
    parser.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args()
    first, *others = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        authority, certificate = write_certificates(Path(folder))
        os.sched_setaffinity(0, others or {first})
        urls = [stack.enter_context(serving(certificate))["http"] for _ in range(2)]
        os.sched_setaffinity(0, {first})
        environments = [environment_of(Path(folder, name), authority) for name in ("other", "this")]
        for provider in options.providers:
            ratios: dict[str, list[float]] = {figure: [] for figure in FIGURES}
            for _ in range(options.pairs):
                with ThreadPoolExecutor(2) as pool:
                    sides = zip((options.other.resolve(), HERE), urls, environments, strict=True)
                    runs = [pool.submit(single_run, at, provider, options.jobs, url, env) for at, url, env in sides]
                    other, this = (run.result() for run in runs)
                for figure in FIGURES:
                    ratios[figure].append(this[figure] / other[figure])
                print(
                    provider, *(f"{figure} {other[figure]:.3f} -> {this[figure]:.3f}" for figure in FIGURES), sep="  "
                )
            medians = (f"{figure} x {statistics.median(found):.3f}" for figure, found in ratios.items())
            print(provider, "median", *medians, sep="  ", flush=True)


if __name__ == "__main__":
    main()
