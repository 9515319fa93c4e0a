# SPDX-License-Identifier: Apache-2.0
"""What an open page costs Airflow's database: it polls every three seconds, however many jobs there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from airflow import settings
from sqlalchemy import event

from tests.plugin.test_api_server import CARD
from tests.support.api_server import API, ApiServer
from tests.support.batches import COUNTS, REFERENCE, submitted
from tests.support.which_airflow import needs_airflow_3_3


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is sent to the database meanwhile."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    event.listen(settings.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(settings.engine, "before_cursor_execute", note)


def cost(api_server: ApiServer, path: str) -> int:
    """Return how many statements a poll takes once the page is open."""
    with api_server.client() as client:
        assert client.get(path).status_code == 200
        with statements() as found:
            assert client.get(path).status_code == 200
    assert found
    return len(found)


@pytest.mark.parametrize("query", ["", "?dag_id=dag", "?search=j1&sort=failed", "?page=3&limit=10"])
def test_a_poll_of_many_tasks_takes_as_many_statements_as_one_of_few(query: str, api_server: ApiServer) -> None:
    for number in range(3):
        api_server.task(map_index=number, video_job=CARD)
    few = cost(api_server, API + query)
    for number in range(3, 250):
        api_server.task(map_index=number, video_job=CARD)
    assert cost(api_server, API + query) == few < 15


@needs_airflow_3_3("the task state store")
@pytest.mark.parametrize("query", ["", "?search=clip&state=running", "?page=3&limit=10"])
def test_a_poll_of_a_large_batch_takes_as_many_statements_as_one_of_a_small_one(
    query: str, api_server: ApiServer
) -> None:
    path = api_server.task(video_batch=REFERENCE, batch=COUNTS).replace("/jobs/", "/batches/")
    api_server.states("videoai_batch_0", {"version": 1, "items": {"clip": submitted("j")}})
    few = cost(api_server, path + query)
    for part in range(1, 120):
        items = {f"clip-{part}-{number}": submitted("j") for number in range(5)}
        api_server.states(f"videoai_batch_{part}", {"version": 1, "items": items})
    assert cost(api_server, path + query) == few < 20
