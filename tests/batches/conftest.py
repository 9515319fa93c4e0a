# SPDX-License-Identifier: Apache-2.0
"""Batches over the sandbox: the requests of each vendor's items, and tasks that live in segments."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.operators.batch import VideoBatchOperator
from airflow_provider_videoai.triggers import batch as trigger
from tests.support.case import Case
from tests.support.tasks import StateStore, Task, TaskInstance

VARIED: Mapping[str, Callable[[str], Any]] = {
    "task_name": str,
    "tts_text": lambda name: f"Hi {name}.",
    "input_ssml": lambda name: f"Hi {name}.",
    "video_url": lambda name: name,
    "filename": str,
}
"""A field of each vendor's request in which items differ, and its value for an item."""


@pytest.fixture
def rows(sandbox: Any) -> Callable[..., list[dict[str, Any]]]:
    """Make the requests of items that are named, or numbered."""

    def rows(case: Case, names: int | list[str], **changes: Any) -> list[dict[str, Any]]:
        request = case.request(sandbox, **changes)
        varied = next(name for name in VARIED if name in request)
        ids = [f"item{number}" for number in range(names)] if isinstance(names, int) else names
        if varied == "video_url":
            return [{"item_id": name, **request, varied: f"{request[varied]}?{name}"} for name in ids]
        return [{"item_id": name, **request, varied: VARIED[varied](name)} for name in ids]

    return rows


@pytest.fixture
def batch(xcoms: dict[Any, str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Task]:
    """Make a task of a batch at a case's vendor."""
    monkeypatch.setattr(trigger, "LEAST_DEFERRAL", 0.0)
    run_id = f"manual__{uuid.uuid4().hex}"
    # A store is of one task instance, whose attempts are counted on.
    instances: dict[StateStore, TaskInstance] = {}

    def batch(case: Case, requests: Any, *, store: StateStore | None = None, **arguments: Any) -> Task:
        given = {"vendor": case.vendor, "operation": case.operation, "requests": requests, **arguments}
        store = store or StateStore()
        instance = instances.setdefault(store, TaskInstance(xcoms, run_id))
        return Task(lambda: VideoBatchOperator(task_id="make", **given), instance, store)

    return batch


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """The URL of a folder for what a batch writes."""
    return f"file://{tmp_path}"
