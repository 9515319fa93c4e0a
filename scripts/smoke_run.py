# SPDX-License-Identifier: Apache-2.0
"""Run every operator on the Airflow of another environment against the sandbox: `scripts/smoke/every_operator.py`.

    python scripts/smoke_run.py --python ENVIRONMENT/bin/python [--sandbox-python OTHER/bin/python]

Needs nothing but Python itself, so that any tool's environment can start it. The run is Airflow's own `dags test`:
workers, triggers and the database are real, and there is no scheduler.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DAGS = Path(__file__).resolve().parent / "smoke"
TEST = DAGS.with_name("dags_test.py")
DAG_ID = "every_operator"
CLOCK = {"queue_seconds": 0.2, "run_seconds": 0.5}
JOBS = Counter(viitor=5, aidge=1, cdnetworks=1, topview=1, tencent_ivh=2)
"""What the DAG buys: bringing videos into Cloud VoD, and uploads, cost nothing."""
TIMEOUT_SECONDS = 600
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the sandbox is on this machine


def main() -> int:
    """Run it, print what was bought, and return the exit status."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--python", type=Path, required=True, help="of the environment with Airflow and the package")
    arguments.add_argument("--sandbox-python", type=Path, help="of one with the extra `sandbox`; default: the same")
    chosen = arguments.parse_args()
    # Not resolved: the link in a virtual environment is what makes it one.
    python = chosen.python.absolute()
    print(smoke(python, (chosen.sandbox_python or python).absolute()))
    return 0


def smoke(python: Path, sandbox_python: Path) -> str:
    """Run the DAG.

    :param python: of the environment that is tried.
    :param sandbox_python: of one in which the sandbox can run.
    :returns: a line about what ran.
    :raises RuntimeError: if a task failed, or a job was bought twice, or not at all.
    """
    with tempfile.TemporaryDirectory(prefix="videoai-smoke-") as home, sandbox(sandbox_python) as url:
        environment = airflow_environment(Path(home), url, python)
        run([python, "-m", "airflow", "db", "migrate"], environment, Path(home))
        began = time.monotonic()
        run([python, TEST, DAG_ID], environment, Path(home))
        return f"{DAG_ID}: success in {time.monotonic() - began:.0f} s, {bought(url)} jobs, each bought once"


@contextmanager
def sandbox(python: Path) -> Iterator[str]:
    """Start the sandbox on a free port, and end it at the end of the block.

    :param python: of an environment with its extra.
    """
    process = subprocess.Popen(  # noqa: S603 - our own module
        [python, "-m", "airflow_provider_videoai.sandbox", "--port", "0"],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        cwd=tempfile.gettempdir(),  # not this project's folder: the package must be the installed one
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if "listening on" not in line:
            raise RuntimeError(f"the sandbox did not start: {line!r}")
        url = line.split()[-1]
        request = urllib.request.Request(  # noqa: S310 - http, on this machine
            f"{url}/sandbox/clock", json.dumps(CLOCK).encode(), {"Content-Type": "application/json"}
        )
        _DIRECT.open(request, timeout=30).close()
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def airflow_environment(home: Path, url: str, python: Path) -> dict[str, str]:
    """Return the environment of an Airflow of its own that knows the sandbox as all vendors.

    :param home: an empty folder.
    :param url: of the sandbox.
    :param python: prints the connections; that needs no extra.
    """
    port = url.rpartition(":")[2]
    command = [str(python), "-m", "airflow_provider_videoai.sandbox", "--port", port, "--print-connections"]
    lines = subprocess.run(  # noqa: S603 - our own module
        command, check=True, capture_output=True, text=True, cwd=home
    ).stdout
    # Without what the caller's Airflow, its virtual environment or its tests set.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON", "PYTEST"))}
    return {
        **kept,
        **dict(word.split("=", 1) for word in shlex.split(lines)),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        # `dags test` of Airflow 3.2 starts no task without one.
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "PYTHONDONTWRITEBYTECODE": "1",
        "VIDEOAI_SANDBOX": url,
        "VIDEOAI_STORAGE": str(home / "storage"),
    }


def run(command: list[Any], environment: Mapping[str, str], home: Path) -> None:
    """Run a command of Airflow.

    :raises RuntimeError: with the end of its output, if it fails.
    """
    done = subprocess.run(  # noqa: S603 - Airflow's own commands
        command,
        env=environment,
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{shlex.join(map(str, command))} failed:\n{done.stdout[-6000:]}")


def bought(url: str) -> int:
    """Return how many jobs the vendors sold.

    :param url: of the sandbox.
    :raises RuntimeError: if these are more or fewer than the DAG has.
    """
    with _DIRECT.open(f"{url}/sandbox/ledger", timeout=30) as response:
        sold = Counter(charge["vendor"] for charge in json.load(response)["charges"])
    if sold != JOBS:
        raise RuntimeError(f"{DAG_ID} buys {dict(JOBS)} jobs, and the vendors sold {dict(sold)}")
    return sold.total()


if __name__ == "__main__":
    sys.exit(main())
