# SPDX-License-Identifier: Apache-2.0
"""Figures of the benchmark's table, from runs that are made up."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.report import tables


def run(contender: str, **values: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "contender": contender,
        "scheme": "http",
        "way": "spread",
        "jobs": 1000,
        "round": 0,
        "interval": 5.0,
        "seconds": 10.0,
        "events": 1000,
        "start_cpu": 1.0,
        "cpu": 0.5,
        "asks": 2000,
        "memory": 1024 * 1000,
        "delay_p50": 2.5,
        "delay_p99": 5.0,
        "stall_p99": 0.001,
        "stall_max": 0.02,
        "longest_turn": 0.01,
    } | values
    tally = {"requests": made["asks"], "asks": made["asks"], "connections": 6, "most_sockets": 5}
    return {"tally": tally} | made


def cells_of(title: str, *runs: dict[str, Any]) -> list[str]:
    rows = [line for line in tables(list(runs)).splitlines() if line.startswith(f"| {title}")]
    assert len(rows) == 1
    return [cell.strip() for cell in rows[0].strip("|").split("|")]


IDLE = run("idle", cpu=0.1, start_cpu=0.5, memory=0, asks=0)
BARE = run("bare", cpu=0.5)


def test_cost_is_taken_over_the_idle_trigger_and_told_beside_the_bare_session() -> None:
    ours = run("topview", cpu=0.9, start_cpu=2.5, memory=5 * 1024 * 1000)
    title, jobs, poll, ratio, start, requests, sockets, stalls, _, delays, memory = cells_of(
        "ours, Topview", IDLE, BARE, ours
    )
    assert (title, jobs, poll, ratio, start) == ("ours, Topview", "1,000", "0.400", "2.00", "2.00")
    assert (requests, sockets, stalls, delays, memory) == ("100.0", "5 of 6", "1, 20", "2.5, 5.0", "5.0")


def test_each_round_is_compared_with_its_own_idle_trigger_and_the_median_is_told() -> None:
    rounds = [
        made | {"round": number}
        for number, cpu in enumerate((0.5, 0.7, 3.1))
        for made in (run("idle", cpu=0.1 + number, asks=0), run("bare", cpu=cpu + number))
    ]
    assert cells_of("bare aiohttp session", *rounds)[2] == "0.300"


def test_who_could_not_start_in_time_does_not_look_cheap() -> None:
    late = run("databricks", seconds=2.4, cpu=0.1, asks=10)
    assert cells_of("Databricks", IDLE, BARE, late)[2:4] == ["fell behind", ""]
    in_time = run("databricks", seconds=2.5, cpu=0.1, asks=10)
    assert cells_of("Databricks", IDLE, BARE, in_time)[2] == "7.500"


def test_who_hardly_asked_while_all_waited_does_not_look_dear() -> None:
    for asks, told in ((199, "fell behind"), (200, "2.000")):
        held_up = run("http_event", asks=asks)
        held_up["tally"]["asks"] = 2000
        assert cells_of("HttpEventTrigger", IDLE, BARE, held_up)[2] == told


def test_jobs_that_never_ended_and_who_could_not_run_are_told() -> None:
    assert cells_of("Databricks", IDLE, BARE, run("databricks", events=990))[0] == "Databricks (10 never ended)"
    refused = {key: IDLE[key] for key in ("scheme", "way", "jobs", "round")}
    refused |= {"contender": "dbt_cloud", "failure": "cannot: it speaks no http"}
    assert cells_of("dbt Cloud", IDLE, BARE, refused)[2] == "cannot: it speaks no http"


def test_a_way_to_run_has_a_table_of_its_own_and_its_own_idle_trigger() -> None:
    frozen = [run("idle", way="frozen", cpu=0.3, asks=0), run("viitor", way="frozen", cpu=0.5)]
    _, by_default, frozen_table = tables([IDLE, *frozen, BARE, run("viitor", cpu=0.2)]).split("| ours, ViiTor |")
    assert by_default.split(" | ")[1] == "0.050"
    assert "freeze_triggerer" in by_default
    assert frozen_table.split(" | ")[1] == "0.100"


@pytest.mark.parametrize("cpu", [0.1, 0.1 - 1e-7])
def test_nothing_has_no_sign(cpu: float) -> None:
    assert cells_of("ours, ViiTor", IDLE, BARE, run("viitor", cpu=cpu))[2] == "0.000"
