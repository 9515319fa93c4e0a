# SPDX-License-Identifier: Apache-2.0
"""Airflow parses DAG files over and over: what they import must not drag in what only the triggerer needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

PARSED = """
import json, sys
import airflow.sdk
import airflow.dag_processing.processor  # what a parsing process has loaded anyway
before = set(sys.modules)
from airflow_provider_videoai.operators import aidge, cdnetworks, tencent_ivh, topview, viitor
from airflow_provider_videoai.sensors import aidge, cdnetworks, tencent_ivh, topview, viitor
from airflow_provider_videoai.transfers import media, subtitles
print(json.dumps(sorted(set(sys.modules) - before)))
"""
AIRFLOWS_OWN = {"airflow", "airflow_provider_videoai", "httpx", "pydantic", "tenacity", "typing_extensions"}
FOR_THE_TRIGGERER = {
    "airflow.providers",
    "airflow.sdk.execution_time",
    "airflow_provider_videoai.hooks.lookup",
    "airflow_provider_videoai.jobs.http.aiohttp_session",
    "airflow_provider_videoai.jobs.polling.poller",
    "airflow_provider_videoai.triggers.progress_report",
    "airflow_provider_videoai.triggers.waiting",
}

WAITED = """
import asyncio, importlib.abc, json, sys, threading
import airflow.jobs.triggerer_job_runner  # what a triggerer has loaded anyway
from airflow_provider_videoai.triggers.job import VideoJobTrigger

class Noted(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        imports.append((name, threading.current_thread() is threading.main_thread()))

async def run():
    trigger = VideoJobTrigger("topview", "video_avatar", "topview_default", "a1", deadline=1.0)
    return [event async for event in trigger.run()]

imports = []
sys.meta_path.insert(0, Noted())
(event,) = asyncio.run(run())
print(json.dumps({"outcome": event.payload["outcome"], "imports": imports}))
"""


def probe(program: str, **environment: str) -> Any:
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ) | environment)
    return json.loads(done.stdout.splitlines()[-1])


def below(name: str, packages: set[str]) -> bool:
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


@pytest.fixture(scope="module")
def parsed() -> list[str]:
    """Names of the modules that a DAG file loads which imports all operators, sensors and transfers."""
    names: list[str] = probe(PARSED)
    return names


def test_operators_sensors_and_transfers_load_no_library_that_airflow_does_not_load_itself(parsed: list[str]) -> None:
    assert {name.partition(".")[0] for name in parsed} - AIRFLOWS_OWN - sys.stdlib_module_names == set()


def test_operators_sensors_and_transfers_load_nothing_that_only_the_triggerer_needs(parsed: list[str]) -> None:
    assert [name for name in parsed if below(name, FOR_THE_TRIGGERER)] == []


def test_what_waiting_takes_is_not_imported_in_the_triggerers_loop(free_port: int) -> None:
    """It takes seconds, for which imports in it would block the event loop."""
    report = probe(WAITED, AIRFLOW_CONN_TOPVIEW_DEFAULT=f"topview://uid:key@127.0.0.1:{free_port}")
    assert report["outcome"] == "timed_out"
    in_thread = {name for name, in_loop in report["imports"] if not in_loop}
    assert {
        "aiohttp",
        "airflow_provider_videoai.jobs.polling.poller",
        "airflow_provider_videoai.triggers.waiting",
    } <= in_thread
    in_loop = {name for name, in_loop in report["imports"] if in_loop}
    harmless = {"airflow.sdk", *sys.stdlib_module_names}  # the former: Airflow's own lookup of a connection
    assert [name for name in in_loop if not below(name, harmless)] == []
