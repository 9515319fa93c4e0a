# SPDX-License-Identifier: Apache-2.0
"""`make cluster`: run the pipeline `localize_clip`, at all five vendors, on an Airflow cluster against the sandbox."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time

import httpx
from cluster import Cluster
from demo import DAG_ID, HOME, ROOT, environment, print_address, run_pipeline, sandbox
from termination import unwind_on


def main() -> int:
    """Run what the arguments select and return the exit status."""
    arguments = argparse.ArgumentParser(prog="make cluster", description=__doc__)
    arguments.add_argument("--stay", action="store_true", help="leave the cluster running until Ctrl-C")
    chosen = arguments.parse_args()
    unwind_on(signal.SIGINT, signal.SIGTERM)
    home = HOME / "cluster"
    shutil.rmtree(home, ignore_errors=True)
    began = time.monotonic()
    with sandbox() as (_, url), Cluster(home, ROOT / "dags", environment(url)) as cluster:
        print(f"{', '.join(cluster.parts)}: ready after {time.monotonic() - began:.0f} s")
        print_address(cluster, "until Ctrl-C" if chosen.stay else "while the pipeline runs")
        print(f"Logs: {home.relative_to(ROOT)}/<machine>/")
        # Drawn on its first request, which on a busy machine takes longer than the sandbox waits for an input.
        httpx.get(f"{url}/sample/clip.mp4", timeout=120, trust_env=False).raise_for_status()
        began = time.monotonic()
        made = run_pipeline(cluster, url)
        print(f"The DAG {DAG_ID} took {time.monotonic() - began:.0f} s")
        if chosen.stay:
            print("Ctrl-C ends it.")
            signal.pause()
    print("Nothing is left running.")
    return 0 if made else 1


if __name__ == "__main__":
    sys.exit(main())
