# SPDX-License-Identifier: Apache-2.0
"""What Airflow takes for the name of the machine that it runs on (`[core] hostname_callable`)."""

import os


def address() -> str:
    """Return the loopback address of this process' machine: also where the API server fetches its logs."""
    return os.environ["VIDEOAI_MACHINE_ADDRESS"]
