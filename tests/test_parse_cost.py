# SPDX-License-Identifier: Apache-2.0
"""Airflow parses DAG files over and over: what they import must not drag in what only the triggerer needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys

PROBE = """
import json, sys
import airflow.sdk
import airflow.dag_processing.processor  # what a parsing process has loaded anyway
before = set(sys.modules)
from airflow_provider_videoai.operators import aidge, cdnetworks, tencent_ivh, topview, viitor
from airflow_provider_videoai.sensors import aidge, cdnetworks, tencent_ivh, topview, viitor
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""
AIRFLOWS_OWN = {"airflow", "airflow_provider_videoai", "asgiref", "httpx", "pydantic", "tenacity", "typing_extensions"}


def test_operators_and_sensors_load_no_library_that_airflow_does_not_load_itself() -> None:
    probe = subprocess.run(
        [sys.executable, "-c", PROBE], check=True, capture_output=True, text=True, env=dict(os.environ)
    )
    loaded = set(json.loads(probe.stdout.splitlines()[-1]))
    assert loaded - AIRFLOWS_OWN - sys.stdlib_module_names == set()
