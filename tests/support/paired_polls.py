# SPDX-License-Identifier: Apache-2.0
"""Poll a CDNetworks job from two processes at once, many times; each process is forked for it and ends with it.

Forked from one that has signed nothing yet, as Airflow forks the tasks of a worker. A program of its own: a process
that has threads, as pytest's has, must not fork. Takes an Airflow connection (JSON) and the number of pairs; prints
what each poll ended with, as JSON.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from multiprocessing.synchronize import Barrier
from typing import Any

from airflow_provider_videoai.connections.cdnetworks import CDNetworksOptions
from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.http import httpcore_session  # noqa: F401 - before the forks, not in each
from airflow_provider_videoai.jobs.http.transport import Transport
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.vendors.cdnetworks import CDNetworks


def main(connection: str, pairs: int) -> None:
    """Run the pairs one after the other, each for a job of its own."""
    given = json.loads(connection)
    options = CDNetworksOptions.read(given["extra"], "connection 'c'")
    keys = {"login": given["login"], "password": given["password"]}
    vendor = CDNetworks(Account(conn_id="c", host=given["host"], options=options, **keys), time.time)
    forks = multiprocessing.get_context("fork")
    outcomes = forks.SimpleQueue()
    ended: list[str] = []
    for number in range(pairs):
        given_to_both = (Transport(vendor), f"t{number}", forks.Barrier(2), outcomes)
        pair = [forks.Process(target=poll, args=given_to_both) for _ in range(2)]
        for process in pair:
            process.start()
        ended += [outcomes.get() for _ in pair]
        for process in pair:
            process.join()
    sys.stdout.write(json.dumps(ended))


def poll(transport: Transport, job_id: str, together: Barrier, outcomes: Any) -> None:
    """Poll once, at the same time as the other process."""
    together.wait(30)
    try:
        found = transport.run(transport.vendor.statuses("trim", [job_id]))
    except VideoAIError as failure:
        outcomes.put(f"{type(failure).__name__}: {failure}")
    else:
        outcomes.put(f"{len(found)} known")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
