# SPDX-License-Identifier: Apache-2.0
"""Run all contenders in turn, some rounds of it, and write down what each measured.

Each line of the results is one run: what :mod:`benchmarks.contestant` printed, with scheme and round, or why there is
nothing. ``python -m benchmarks.report`` makes the table and the chart of it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.certificates import write_certificates
from benchmarks.contenders import CONTENDERS

LATENCY = 0.02
OURS = ("idle", "viitor", "topview")
"""Who is also measured with all triggers started in one moment, as after a restart, and in a frozen triggerer."""
SPREAD, AT_ONCE, FROZEN = "spread", "at once", "frozen"
ONCE_MORE = (("http", AT_ONCE), ("http", FROZEN), ("https", FROZEN))


@dataclass(frozen=True, slots=True)
class Size:
    """How so many jobs are measured: seconds between two asks for one, intervals in which CPU counts, rounds, TLS."""

    interval: float
    polls: int
    rounds: int
    over_tls: tuple[str, ...] = ()


SIZES = {
    500: Size(5.0, polls=2, rounds=1),
    1000: Size(5.0, polls=2, rounds=3, over_tls=tuple(CONTENDERS)),
    5000: Size(10.0, polls=1, rounds=1),
    10000: Size(10.0, polls=1, rounds=1, over_tls=("bare", *OURS)),
}
RESULTS = Path(__file__).with_name("results.jsonl")
RESULTS_IN_AIRFLOW = Path(__file__).with_name("triggerer.jsonl")


def runs(sizes: list[int], rounds: int, contenders: list[str]) -> Iterator[dict[str, Any]]:
    """Name the runs, in their order: a round is everybody once, so that a busy minute harms nobody alone."""
    for number in range(rounds):
        present = [jobs for jobs in sizes if number < SIZES[jobs].rounds]
        for scheme, jobs, contender in itertools.product(("http", "https"), present, contenders):
            if scheme == "http" or contender in SIZES[jobs].over_tls:
                yield {"round": number, "scheme": scheme, "jobs": jobs, "contender": contender, "way": SPREAD}
        for scheme, way in ONCE_MORE if sizes[-1] in present else ():
            for contender in (each for each in contenders if each in OURS):
                yield {"round": number, "scheme": scheme, "jobs": sizes[-1], "contender": contender, "way": way}


@contextmanager
def serving(certificate: Path) -> Iterator[dict[str, str]]:
    """Run the server and tell its address for each scheme."""
    command = [sys.executable, "-m", "benchmarks.server", "--latency", str(LATENCY), "--certificate", str(certificate)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603
        assert server.stdout is not None  # noqa: S101 - it was asked for
        yield json.loads(server.stdout.readline())
        server.communicate()  # closes its standard input, and so ends it


def measure(run: dict[str, Any], url: str, environment: dict[str, str]) -> dict[str, Any]:
    """Run one contender in a process of its own."""
    if run["scheme"] not in CONTENDERS[run["contender"]].schemes:
        return run | {"failure": f"cannot: it speaks no {run['scheme']}"}
    size = SIZES[run["jobs"]]
    command = [sys.executable, "-m", "benchmarks.contestant", run["contender"], "--jobs", str(run["jobs"])]
    command += [
        "--interval",
        str(size.interval),
        "--polls",
        str(size.polls),
        "--url",
        url,
        *["--at-once"] * (run["way"] == AT_ONCE),
    ]
    environment = environment | {"AIRFLOW__VIDEOAI__FREEZE_TRIGGERER": str(run["way"] == FROZEN)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        return run | {"failure": (done.stderr.strip().splitlines() or ["no word"])[-1]}
    return run | {"load": os.getloadavg()[0]} | json.loads(done.stdout.splitlines()[-1])


def _environment(home: Path, authority: Path) -> dict[str, str]:
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "PYTHONWARNINGS": "ignore",
        "SSL_CERT_FILE": str(authority),
    }
    return os.environ | settings


def main() -> None:
    """Run the benchmark; see the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, nargs="+", default=list(SIZES), choices=SIZES)
    parser.add_argument("--rounds", type=int, default=3, help="at most; some sizes take one only")
    parser.add_argument("--contenders", nargs="+", default=list(CONTENDERS), choices=CONTENDERS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, options.results.open("w") as results:
        authority, certificate = write_certificates(Path(folder))
        with serving(certificate) as urls:
            for run in runs(options.jobs, options.rounds, options.contenders):
                line = json.dumps(measure(run, urls[run["scheme"]], _environment(Path(folder), authority)))
                print(line)
                results.write(line + "\n")
                results.flush()


if __name__ == "__main__":
    main()
