# SPDX-License-Identifier: Apache-2.0
"""Where a value came from that a task rendered to nothing: for the error of the field that needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.values.given_value import as_given

__all__ = ["EmptyOrigin", "explained", "origin_of"]


class EmptyOrigin(NamedTuple):
    """The origin of an empty value; ``field`` is ``None`` if it lies inside of a field's list or dict."""

    field: str | None
    origin: str


def origin_of(content: Any, value: Any) -> str | None:
    """Return which task, XCom or template a value came from if it is empty; ``None`` for a value, or a literal.

    A template of a missing XCom renders to the text ``None``.

    :param content: what the DAG file gave.
    :param value: what it was rendered to.
    """
    if isinstance(content, str):
        return f"the template {as_given(content)}" if "{" in content and value in (None, "", "None") else None
    if value is not None or not hasattr(content, "iter_references"):
        return None
    sources = [f"task {as_given(task.task_id)}, XCom {as_given(key)}" for task, key in content.iter_references()]
    return " and ".join(sources) or "a parameter of the DAG run"


@contextmanager
def explained(origins: tuple[EmptyOrigin, ...]) -> Iterator[None]:
    """Add to an :class:`InvalidRequest` of the block where the empty values that it names came from.

    :param origins: of what was rendered to nothing.
    """
    try:
        yield
    except InvalidRequest as refused:
        named = [
            f"{field or 'a value in it'} comes from {origin}"
            for field, origin in origins
            if field is None or field in refused.message
        ]
        if named:
            # In place, so that the cause and the traceback stay.
            refused.message = (
                f"{refused.message.rstrip('.')}. {'; '.join(named)}, and is empty: a task that was skipped, failed or "
                "has not run yet pushes no XCom"
            )
            refused.args = (refused.message,)
        raise
