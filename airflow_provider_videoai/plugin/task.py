# SPDX-License-Identifier: Apache-2.0
"""A task with video jobs, or with a batch of them, as the page knows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from airflow_provider_videoai.batches.batch_reference import BatchReference
from airflow_provider_videoai.jobs.job_reference import JobReference

__all__ = ["TaskKey", "VideoTask"]


class TaskKey(NamedTuple):
    """What names a task instance in Airflow's UI."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoTask:
    """A task and its jobs, as Airflow knows them. ``reference`` is ``None`` if it cannot be read.

    ``is_batch`` says that it is a batch, which has no job reference; ``batch`` is ``None`` if that cannot be read.
    ``state`` is the task's; ``map_label`` is its ``rendered_map_index``, or the index of a mapped task; ``xcoms`` holds
    the keys that were read.
    """

    key: TaskKey
    reference: JobReference | None
    seen_at: datetime
    is_batch: bool = False
    batch: BatchReference | None = None
    map_label: str | None = None
    state: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    xcoms: dict[str, Any] = field(default_factory=dict, repr=False)
