# SPDX-License-Identifier: Apache-2.0
"""`make demo`: run the pipeline `localize_clip` on a real Airflow against the sandbox, and show what came out."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import contact_sheet
import httpx
import psutil
from airflow_api import AirflowApi
from processes import end_group, port_near, wait_for
from progress import Board
from standalone import Standalone
from termination import unwind_on

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".demo"
OUTPUT = ROOT / "demo-output"
RUNNING = HOME / "running.json"
STORAGE = OUTPUT / "storage"
DAG_ID = "localize_clip"
NEXT_DAG_ID = "new_video"
NAMES = {
    "viitor": "erased",
    "cdnetworks": "trimmed",
    "aidge": "erased_by_aidge",
    "topview": "avatar",
    "tencent_ivh": "narrator",
}
TIMEOUT_SECONDS = 300
PORT, SANDBOX_PORT = 8080, 8765
"""Where free, always the same: Airflow keeps the addresses of earlier runs, of their pages and their media."""
CLOCK = {"queue_seconds": 2, "run_seconds": 12}


def main() -> int:
    """Run what the arguments select and return the exit status."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--stay", action="store_true", help="leave Airflow and the sandbox running")
    arguments.add_argument("--stop", action="store_true", help="end what --stay left running")
    chosen = arguments.parse_args()
    unwind_on(signal.SIGINT, signal.SIGTERM)
    if chosen.stop:
        return stop()
    if chosen.stay and (still := running()):
        print(f"Already running: {still['url']} (user admin, password {still['password']}). `make stop` ends it.")
        return 0
    return stay() if chosen.stay else demo()


def demo() -> int:
    """Run the pipeline and end everything."""
    home = HOME / "demo"
    shutil.rmtree(home, ignore_errors=True)
    print_start()
    with sandbox() as (_, url), Standalone(home, ROOT / "dags", environment(url), port_near(PORT)) as airflow:
        began = time.monotonic()
        print_address(airflow, "while the pipeline runs")
        made = run_pipeline(airflow, url)
        seconds = time.monotonic() - began
    print(f"\nThe pipeline took {seconds:.0f} s. All of it has ended, and its address with it; `make ui` stays up.")
    return 0 if made else 1


def stay() -> int:
    """Run the pipeline and leave Airflow and the sandbox running."""
    home = HOME / "ui"
    print_start()
    with sandbox(leave=True) as (process, url):
        airflow = Standalone(home, ROOT / "dags", environment(url), port_near(PORT))
        try:
            airflow.start()
            made = run_pipeline(airflow, url)
        except BaseException:
            airflow.stop()
            end_group(process.pid)
            raise
        RUNNING.write_text(
            json.dumps(
                {
                    "url": airflow.url,
                    "password": airflow.password,
                    "groups": [airflow.pid, process.pid],
                    "home": str(home),
                }
            )
        )
        print_address(airflow, "until `make stop`")
        return 0 if made else 1


def stop() -> int:
    """End what :func:`stay` left running."""
    still = running()
    if still is None:
        print("Nothing is running.")
        return 0
    for group in still["groups"]:
        end_group(group)
    RUNNING.unlink()
    print("Stopped.")
    return 0


def running() -> dict[str, Any] | None:
    """Return what :func:`stay` left running, or ``None``."""
    if not RUNNING.exists():
        return None
    still: dict[str, Any] = json.loads(RUNNING.read_text())
    return still if all(psutil.pid_exists(group) for group in still["groups"]) else None


@contextmanager
def sandbox(*, leave: bool = False) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the sandbox in a process group of its own; end it unless it is to be left."""
    HOME.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "airflow_provider_videoai.sandbox", "--port", str(port_near(SANDBOX_PORT))]
    with (HOME / "sandbox.log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603 - our own module
            command, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True, start_new_session=True
        )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if "listening on" not in line:
            raise RuntimeError(f"the sandbox did not start:\n{(HOME / 'sandbox.log').read_text()}")
        url = line.split()[-1]
        # Long enough to see the progress move.
        httpx.post(f"{url}/sandbox/clock", json=CLOCK, trust_env=False).raise_for_status()
        yield process, url
    finally:
        if not leave:
            end_group(process.pid)
            process.wait()


def environment(url: str) -> dict[str, str]:
    """Return the connections that point at the sandbox, and clip and storage for the Trigger form."""
    command = [sys.executable, "-m", "airflow_provider_videoai.sandbox", "--port", str(httpx.URL(url).port)]
    lines = subprocess.run(  # noqa: S603 - our own module
        [*command, "--print-connections"], check=True, capture_output=True, text=True
    ).stdout
    connections = dict(word.split("=", 1) for word in shlex.split(lines))
    sample = f"{url}/sample/clip.mp4"
    return {**connections, "VIDEOAI_SAMPLE_CLIP": sample, "VIDEOAI_STORAGE": f"file://{STORAGE}"}


def run_pipeline(airflow: AirflowApi, url: str) -> dict[str, Path] | None:
    """Run the DAG to its end under a live board; return the files it made, or ``None`` if it failed."""
    run_id = airflow.trigger(DAG_ID)
    with Board(airflow, DAG_ID, run_id) as board:
        state = board.follow(TIMEOUT_SECONDS)
    if state != "success":
        print_failures(airflow, DAG_ID, run_id)
        return None
    return keep(airflow, run_id, url)


def keep(airflow: AirflowApi, run_id: str, url: str) -> dict[str, Path]:
    """Check what is in the storage, and draw the contact sheet."""
    OUTPUT.mkdir(exist_ok=True)
    stored: list[Mapping[str, Any]] = airflow.xcom(DAG_ID, run_id, "gather")
    source = fetch(f"{url}/sample/clip.mp4", OUTPUT / "source.mp4")
    files = {NAMES[each["vendor"]]: Path(each["path"].removeprefix("file://")) for each in stored}
    trimmed = airflow.xcom(DAG_ID, run_id, "trim")
    contact_sheet.check(source, files, trimmed_seconds=5.0)
    sheet = contact_sheet.draw(source, files, OUTPUT / "before-after.png")
    print("\nResults in the storage (each opened and played to its end):")
    for name, path in {"source": source, **files}.items():
        facts = contact_sheet.probe(path)
        print(f"  {name:16} {facts.seconds:5.1f} s  {facts.width}x{facts.height}  {path.relative_to(ROOT)}")
    print(f"  {'before / after':16} {sheet.relative_to(ROOT)}")
    print(f"  trimmed clip in Cloud VoD: media_id {trimmed['media_id']}, job {trimmed['job_id']}")
    print(f"  the DAG {NEXT_DAG_ID}, started by the new videos, wrote {next_manifest(airflow, files)}")
    return files


def next_manifest(airflow: AirflowApi, files: Mapping[str, Path]) -> str:
    """Wait for the DAG that the results started, and return the path of its manifest."""

    def runs() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = airflow.api("GET", f"/dags/{NEXT_DAG_ID}/dagRuns?order_by=-id")["dag_runs"]
        return found

    wait_for(runs, TIMEOUT_SECONDS, f"the results did not start {NEXT_DAG_ID}")
    run_id = runs()[0]["dag_run_id"]
    if airflow.finish(NEXT_DAG_ID, run_id, TIMEOUT_SECONDS) != "success":
        print_failures(airflow, NEXT_DAG_ID, run_id)
        raise RuntimeError(f"{NEXT_DAG_ID} failed")
    (manifest,) = airflow.xcom(NEXT_DAG_ID, run_id, "manifest")
    path = Path(manifest.removeprefix("file://"))
    if {each["path"] for each in json.loads(path.read_text())} != {f"file://{file}" for file in files.values()}:
        raise ValueError(f"{path} does not name the stored videos")
    return str(path.relative_to(ROOT))


def fetch(address: str, path: Path) -> Path:
    """Download a file."""
    with httpx.stream("GET", address, timeout=60, trust_env=False) as response:
        response.raise_for_status()
        with path.open("wb") as file:
            for chunk in response.iter_bytes():
                file.write(chunk)
    return path


def print_failures(airflow: AirflowApi, dag_id: str, run_id: str) -> None:
    """Print the logs of the tasks that failed."""
    for instance in airflow.tasks(dag_id, run_id):
        if instance["state"] == "failed":
            print(f"\nTask {instance['task_id']} failed. Its log:")
            print(airflow.task_log(dag_id, run_id, instance["task_id"], instance["try_number"])[-4000:])


def print_start() -> None:
    """Print what takes the time before anything else can be shown."""
    print("Starting the sandbox and Airflow: about half a minute", flush=True)


def print_address(airflow: AirflowApi, how_long: str) -> None:
    """Print the address of the UI, how long it is there, and how to log in."""
    print(f"Airflow UI, {how_long}: {airflow.url}  (user admin, password {airflow.password})")


if __name__ == "__main__":
    sys.exit(main())
