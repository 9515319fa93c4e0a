# SPDX-License-Identifier: Apache-2.0
"""Measure all providers in turn, in several rounds, and write the results to a file.

Each line of the results is one run: what :mod:`benchmarks.single_run` printed, with scheme and round, or why it failed.
``python -m benchmarks.report`` makes the tables and the chart from it.
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
from benchmarks.providers import PROVIDERS

LATENCY = 0.02
OURS = ("idle", "viitor", "topview")
"""Which are also measured with all triggers started at once, as after a restart, and with ``freeze_triggerer``."""
SPREAD, AT_ONCE, FROZEN = "spread", "at once", "frozen"
EXTRA_RUNS = (("http", AT_ONCE), ("http", FROZEN), ("https", FROZEN))


@dataclass(frozen=True, slots=True)
class Size:
    """How this many jobs are measured: poll interval in seconds, intervals in which CPU is measured, rounds, TLS."""

    interval: float
    polls: int
    rounds: int
    over_tls: tuple[str, ...] = ()


SIZES = {
    500: Size(5.0, polls=2, rounds=1),
    1000: Size(5.0, polls=2, rounds=3, over_tls=tuple(PROVIDERS)),
    5000: Size(10.0, polls=1, rounds=1),
    10000: Size(10.0, polls=1, rounds=1, over_tls=("bare", *OURS)),
}
RESULTS = Path(__file__).with_name("results.jsonl")
RESULTS_IN_AIRFLOW = Path(__file__).with_name("triggerer.jsonl")


def runs(sizes: list[int], rounds: int, providers: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the runs in their order: a round measures each provider once, so that a busy minute affects all alike."""
    for number in range(rounds):
        present = [jobs for jobs in sizes if number < SIZES[jobs].rounds]
        for scheme, jobs, provider in itertools.product(("http", "https"), present, providers):
            if scheme == "http" or provider in SIZES[jobs].over_tls:
                yield {"round": number, "scheme": scheme, "jobs": jobs, "provider": provider, "mode": SPREAD}
        for scheme, mode in EXTRA_RUNS if sizes[-1] in present else ():
            for provider in (each for each in providers if each in OURS):
                yield {"round": number, "scheme": scheme, "jobs": sizes[-1], "provider": provider, "mode": mode}


@contextmanager
def serving(certificate: Path) -> Iterator[dict[str, str]]:
    """Run the server and yield its address for each scheme."""
    command = [sys.executable, "-m", "benchmarks.server", "--latency", str(LATENCY), "--certificate", str(certificate)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603
        assert server.stdout is not None  # noqa: S101 - it is a pipe
        yield json.loads(server.stdout.readline())
        server.communicate()  # closes its standard input, and so ends it


def measure(run: dict[str, Any], url: str, environment: dict[str, str]) -> dict[str, Any]:
    """Measure one provider in a process of its own.

    :param run: what to measure, as from :func:`runs`.
    :param url: the server's address.
    :param environment: the process's environment variables.
    :returns: the run with its results, or with a ``failure``.
    """
    if run["scheme"] not in PROVIDERS[run["provider"]].schemes:
        return run | {"failure": f"does not support {run['scheme']}"}
    size = SIZES[run["jobs"]]
    command = [sys.executable, "-m", "benchmarks.single_run", run["provider"], "--jobs", str(run["jobs"])]
    command += [
        "--interval",
        str(size.interval),
        "--polls",
        str(size.polls),
        "--url",
        url,
        *["--at-once"] * (run["mode"] == AT_ONCE),
    ]
    environment = environment | {"AIRFLOW__VIDEOAI__FREEZE_TRIGGERER": str(run["mode"] == FROZEN)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        return run | {"failure": (done.stderr.strip().splitlines() or ["no output"])[-1]}
    return run | {"load": os.getloadavg()[0]} | json.loads(done.stdout.splitlines()[-1])


def environment_of(home: Path, authority: Path) -> dict[str, str]:
    """Return the environment of a run.

    :param home: its AIRFLOW_HOME.
    :param authority: the certificate of the authority that signed the server's.
    """
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
    parser.add_argument("--providers", nargs="+", default=list(PROVIDERS), choices=PROVIDERS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, options.results.open("w") as results:
        authority, certificate = write_certificates(Path(folder))
        with serving(certificate) as urls:
            for run in runs(options.jobs, options.rounds, options.providers):
                line = json.dumps(measure(run, urls[run["scheme"]], environment_of(Path(folder), authority)))
                print(line)
                results.write(line + "\n")
                results.flush()


if __name__ == "__main__":
    main()
