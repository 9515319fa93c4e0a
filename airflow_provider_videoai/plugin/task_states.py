# SPDX-License-Identifier: Apache-2.0
"""Read the records of batches in Airflow's task state store (3.3 and later): texts, as the database keeps them.

As in :mod:`.records`, each function has a short session of its own, and only values leave it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any

from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import Text, case, cast, func, select

from airflow_provider_videoai.batches.part_values import INDEX_KEY
from airflow_provider_videoai.plugin.task import TaskKey

__all__ = ["LONGEST_PART", "MOST_PARTS", "parts", "texts"]

MOST_PARTS = 2000
"""Parts of a batch's records that are looked at: some sixty items each, and a batch has at most 100,000."""
LONGEST_PART = 300_000
"""Characters of a part that are read at most; Airflow's own limit is 64 KB."""

_PART = re.compile(re.escape(INDEX_KEY) + r"_(\d{1,9})")


def parts(key: TaskKey) -> dict[str, datetime]:
    """Return the parts of a batch's records, and when each was written.

    :param key: the batch's task instance.
    :returns: by the parts' keys, in the order of their numbers; none before Airflow 3.3.
    """
    model = _model()
    if model is None:
        return {}
    names = model.key.startswith(f"{INDEX_KEY}_", autoescape=True)
    columns = (*_columns(model), model.key, model.updated_at)
    query: Any = select(*columns).where(*_of(model, key), names).limit(MOST_PARTS)
    with create_session(scoped=False) as session:
        # Without regard to case a database may return another task's.
        rows = [row for row in session.execute(query) if tuple(row[:4]) == tuple(key)]
    found = {row.key: row.updated_at for row in rows if _PART.fullmatch(row.key)}
    return dict(sorted(found.items(), key=lambda part: _number(part[0])))


def texts(key: TaskKey, names: Collection[str]) -> dict[str, str | None]:
    """Return parts of a batch's records.

    :param key: the batch's task instance.
    :param names: the keys of the parts.
    :returns: the JSON texts by key; ``None`` for one that is too long.
    """
    model = _model()
    if model is None:
        return {}
    text = cast(model.value, Text)
    # The length is compared in the database: a value of any size would be in memory before Python could refuse it.
    bounded = case((func.length(text) <= LONGEST_PART, text), else_=None).label("text")
    query: Any = select(*_columns(model), model.key, bounded).where(*_of(model, key), model.key.in_(names))
    with create_session(scoped=False) as session:
        return {row.key: row.text for row in session.execute(query) if tuple(row[:4]) == tuple(key)}


def _model() -> Any:
    try:
        from airflow.models.task_state_store import TaskStateStoreModel
    except ImportError:  # before 3.3
        return None
    return TaskStateStoreModel


def _columns(model: Any) -> tuple[Any, ...]:
    # Airflow 3.4 renamed the last one.
    index = model.map_index if hasattr(model, "map_index") else model.region_index
    return model.dag_id, model.run_id, model.task_id, index


def _of(model: Any, key: TaskKey) -> list[Any]:
    mine = _named(model, key)
    if hasattr(model, "region_id"):
        # A mapped task that was cleared as a whole has a new, empty store; that of before is still there.
        instance: Any = TaskInstance
        newest = select(instance.region_id).where(*_named(instance, key)).order_by(instance.id.desc()).limit(1)
        mine.append(model.region_id == newest.scalar_subquery())
    return mine


def _named(model: Any, key: TaskKey) -> list[Any]:
    return [column == value for column, value in zip(_columns(model), key, strict=True)]


def _number(name: str) -> int:
    return int(name.rpartition("_")[2])
