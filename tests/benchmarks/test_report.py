# SPDX-License-Identifier: Apache-2.0
"""Figures of the benchmark's table, from invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.report import tables


def run(provider: str, **values: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "provider": provider,
        "scheme": "http",
        "mode": "spread",
        "jobs": 1000,
        "round": 0,
        "interval": 5.0,
        "seconds": 10.0,
        "events": 1000,
        "start_cpu": 1.0,
        "cpu": 0.5,
        "job_polls": 2000,
        "memory": 1024 * 1000,
        "delay_p50": 2.5,
        "delay_p99": 5.0,
        "stall_p99": 0.001,
        "stall_max": 0.02,
        "longest_block": 0.01,
    } | values
    tally = {"requests": made["job_polls"], "job_polls": made["job_polls"], "connections": 6, "most_sockets": 5}
    return {"tally": tally} | made


def cells_of(title: str, *runs: dict[str, Any]) -> list[str]:
    rows = [line for line in tables(list(runs)).splitlines() if line.startswith(f"| {title}")]
    assert len(rows) == 1
    return [cell.strip() for cell in rows[0].strip("|").split("|")]


IDLE = run("idle", cpu=0.1, start_cpu=0.5, memory=0, job_polls=0)
BARE = run("bare", cpu=0.5)


def test_cost_is_above_the_idle_trigger_and_reported_beside_the_bare_session() -> None:
    ours = run("topview", cpu=0.9, start_cpu=2.5, memory=5 * 1024 * 1000)
    title, jobs, poll, ratio, start, requests, sockets, stalls, _, delays, memory = cells_of(
        "ours, Topview", IDLE, BARE, ours
    )
    assert (title, jobs, poll, ratio, start) == ("ours, Topview", "1,000", "0.400", "2.00", "2.00")
    assert (requests, sockets, stalls, delays, memory) == ("100.0", "5 of 6", "1, 20", "2.5, 5.0", "5.0")


def test_each_round_is_compared_with_its_own_idle_trigger_and_the_median_is_reported() -> None:
    rounds = [
        made | {"round": number}
        for number, cpu in enumerate((0.5, 0.7, 3.1))
        for made in (run("idle", cpu=0.1 + number, job_polls=0), run("bare", cpu=cpu + number))
    ]
    assert cells_of("bare aiohttp session", *rounds)[2] == "0.300"


def test_provider_that_could_not_start_in_time_does_not_seem_cheap() -> None:
    late = run("databricks", seconds=2.4, cpu=0.1, job_polls=10)
    assert cells_of("Databricks", IDLE, BARE, late)[2:4] == ["fell behind", ""]
    in_time = run("databricks", seconds=2.5, cpu=0.1, job_polls=10)
    assert cells_of("Databricks", IDLE, BARE, in_time)[2] == "7.500"


def test_provider_that_hardly_polled_while_all_waited_does_not_seem_expensive() -> None:
    for job_polls, cell in ((199, "fell behind"), (200, "2.000")):
        stalled = run("http_event", job_polls=job_polls)
        stalled["tally"]["job_polls"] = 2000
        assert cells_of("HttpEventTrigger", IDLE, BARE, stalled)[2] == cell


def test_jobs_that_never_ended_and_providers_that_could_not_run_are_reported() -> None:
    assert cells_of("Databricks", IDLE, BARE, run("databricks", events=990))[0] == "Databricks (10 never ended)"
    refused = {key: IDLE[key] for key in ("scheme", "mode", "jobs", "round")}
    refused |= {"provider": "dbt_cloud", "failure": "does not support http"}
    assert cells_of("dbt Cloud", IDLE, BARE, refused)[2] == "does not support http"


def test_each_mode_has_a_table_and_an_idle_trigger_of_its_own() -> None:
    frozen = [run("idle", mode="frozen", cpu=0.3, job_polls=0), run("viitor", mode="frozen", cpu=0.5)]
    _, by_default, frozen_table = tables([IDLE, *frozen, BARE, run("viitor", cpu=0.2)]).split("| ours, ViiTor |")
    assert by_default.split(" | ")[1] == "0.050"
    assert "freeze_triggerer" in by_default
    assert frozen_table.split(" | ")[1] == "0.100"


@pytest.mark.parametrize("cpu", [0.1, 0.1 - 1e-7])
def test_nothing_has_no_sign(cpu: float) -> None:
    assert cells_of("ours, ViiTor", IDLE, BARE, run("viitor", cpu=cpu))[2] == "0.000"
