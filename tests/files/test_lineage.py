# SPDX-License-Identifier: Apache-2.0
"""What is reported to Airflow's own lineage collector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from airflow.providers.common.compat.lineage import hook

from airflow_provider_videoai.files.lineage import report_lineage
from airflow_provider_videoai.hooks.viitor import ViiTorHook
from tests.support.cases import Case
from tests.support.which_airflow import lineage

HOOK = ViiTorHook()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> lineage.HookLineageCollector:
    """Airflow collects only where a listener such as OpenLineage reads; here we do."""
    collecting = lineage.HookLineageCollector()
    monkeypatch.setattr(hook, "get_hook_lineage_collector", lambda: collecting)
    return collecting


def uris(collector: lineage.HookLineageCollector) -> tuple[list[str], list[str]]:
    told = collector.collected_assets
    return [each.asset.uri for each in told.inputs], [each.asset.uri for each in told.outputs]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("https://example.com/a.mp4?X-Amz-Signature=secret#part", ["https://example.com/a.mp4"]),
        ("https://user:secret@example.com/a.mp4", ["https://example.com/a.mp4"]),
        ("s3://bucket/a.mp4", ["s3://bucket/a.mp4"]),
        ("file:///a/b.mp4", ["file:///a/b.mp4"]),
        ("5A4DB0C5119", []),
        ("What the presenter says: hello.", []),
        ("http://[broken", []),
        ("airflow://hello, listeners", []),
        ("s3:///no/bucket.mp4", []),
        ("https://example.com/" + "a" * 1500, []),
        ("", []),
        (None, []),
    ],
)
def test_a_url_is_reported_without_its_secrets(
    collector: lineage.HookLineageCollector, given: str | None, told: list[str]
) -> None:
    report_lineage(HOOK, inputs=[given], outputs=[given])
    assert uris(collector) == (told, told)


@pytest.mark.usefixtures("prompt", "collector")
def test_a_paid_job_is_not_lost_to_an_input_that_airflow_refuses_as_an_asset(
    cases: Any, task: Callable[..., Any], everything_said: Any
) -> None:
    assert task(cases["topview"], tts_text="airflow://hello, listeners").run()["media_url"]
    assert "Asset scheme 'airflow' is reserved" in everything_said()


@pytest.mark.usefixtures("prompt")
@pytest.mark.parametrize("case", ["viitor", "topview", "cdnetworks_pull"], indirect=True)
def test_a_job_reports_its_input_and_its_result_once(
    sandbox: Any, task: Callable[..., Any], collector: lineage.HookLineageCollector, case: Case
) -> None:
    result = task(case).run()
    given = [value for value in case.request(sandbox).values() if str(value).startswith("http")]
    assert uris(collector) == (given, [result["media_url"].partition("?")[0]])
    assert [each.count for each in collector.collected_assets.outputs] == [1]


@pytest.mark.usefixtures("prompt")
def test_a_sensor_reports_the_results(
    task: Callable[..., Any],
    sensor: Callable[..., Any],
    collector: lineage.HookLineageCollector,
    cases: Mapping[str, Case],
) -> None:
    case = cases["aidge"]
    submitted = task(case, wait_for_completion=False).run()
    assert uris(collector) == ([], [])
    # Not as often as it may: Aidge would slow us down.
    result = sensor(case, submitted["job_id"], deferrable=False, poll_interval=0.2).run()
    assert uris(collector) == ([], [result["media_url"]])
