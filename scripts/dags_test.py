# SPDX-License-Identifier: Apache-2.0
"""Airflow's own command `dags test DAG_ID`, on Airflow 3.2 as well.

That one builds its API once more for every start of a task, and sends it the first request before it has started: any
task may fail. Here one API serves them all.
"""

from __future__ import annotations

import sys
from functools import cache

from airflow.__main__ import main
from airflow.sdk.execution_time import supervisor

if __name__ == "__main__":
    supervisor.in_process_api_server = cache(supervisor.in_process_api_server)
    sys.argv = ["airflow", "dags", "test", *sys.argv[1:]]
    main()
