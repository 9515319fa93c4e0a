# SPDX-License-Identifier: Apache-2.0
"""The garbage collector is the triggerer's own business, unless its owner says otherwise."""

from __future__ import annotations

import subprocess
import sys

import pytest

# In a process of its own: what is frozen stays so.
_FIRST_WAIT = """
import asyncio, gc
from airflow_provider_videoai.triggers.job import VideoJobTrigger

async def wait():
    trigger = VideoJobTrigger("viitor", "text_removal", "some_conn", "", source_task_id="outside_of_a_run")
    return [event async for event in trigger.run()]

(event,) = asyncio.run(wait())
frozen = gc.get_freeze_count()
asyncio.run(wait())
assert gc.get_freeze_count() <= frozen  # once
print(event.payload["outcome"], frozen > 10_000)
"""


@pytest.mark.parametrize(("option", "frozen"), [(None, False), ("False", False), ("True", True)])
def test_what_the_triggerer_holds_is_frozen_only_where_its_owner_says_so(
    monkeypatch: pytest.MonkeyPatch, option: str | None, frozen: bool
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SOME_CONN", '{"conn_type": "viitor", "login": "1", "password": "some-token"}')
    monkeypatch.delenv("AIRFLOW__VIDEOAI__FREEZE_TRIGGERER", raising=False)
    if option is not None:
        monkeypatch.setenv("AIRFLOW__VIDEOAI__FREEZE_TRIGGERER", option)
    ran = subprocess.run([sys.executable, "-c", _FIRST_WAIT], check=True, capture_output=True, text=True)
    assert ran.stdout.splitlines()[-1] == f"refused {frozen}"
