# SPDX-License-Identifier: Apache-2.0
"""Find the account of a result in the DAG: the connection that the task which made it names there.

Never in what that task returned. Whoever may write an XCom would choose the connection, and so whose secret is sent to
which host, and from whose account a video is fetched. The DAG's author has chosen it already.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.definitions.mappedoperator import MappedOperator

from airflow_provider_videoai.tasks.connection_fields import UsesAccount
from airflow_provider_videoai.tasks.template_literals import is_rendered_later

__all__ = ["source_connection"]


def source_connection(task: BaseOperator, field: str, vendor: str) -> str | None:
    """Return the connection id of the tasks whose results an argument takes.

    :param task: the running one.
    :param field: the argument that refers to operators or sensors of this package, alone or in a list.
    :param vendor: the vendor's key; tasks of other vendors are left out.
    :returns: the id; ``None`` if the DAG file names none, several, or one that is rendered when the task runs.
    """
    made_by = (source for each in _references(task, field) for source, _ in each.iter_references())
    named = [_connection(source) for source in made_by if _vendor(source) == vendor]
    if not all(isinstance(each, str) and not is_rendered_later(each) for each in named):
        return None
    accounts = set(named)
    return accounts.pop() if len(accounts) == 1 else None


def _references(task: BaseOperator, field: str) -> Iterator[Any]:
    """Yield the references to other tasks that the DAG file gives in an argument; a running task has their values."""
    if not task.has_dag():  # type: ignore[no-untyped-call]
        return
    given = _given(task.dag.task_dict[task.task_id], field)
    for each in given if isinstance(given, list | tuple) else [given]:
        if hasattr(each, "iter_references"):
            yield each


def _given(definition: Any, field: str) -> Any:
    if not isinstance(definition, MappedOperator):
        return getattr(definition, field, None)
    mapped = getattr(definition.expand_input, "value", None)
    over = mapped.get(field) if isinstance(mapped, dict) else None
    return definition.partial_kwargs.get(field) if over is None else over


def _class(source: Any) -> type:
    found: type = source.operator_class if isinstance(source, MappedOperator) else type(source)
    return found


def _vendor(source: Any) -> str | None:
    kind = _class(source)
    return kind.hook_class.vendor_class.key if issubclass(kind, UsesAccount) else None


def _connection(source: Any) -> Any:
    hook = _class(source).hook_class  # type: ignore[attr-defined]
    if isinstance(source, MappedOperator):
        mapped = getattr(source.expand_input, "value", None)
        if not isinstance(mapped, dict) or hook.conn_name_attr in mapped:
            return None  # each map index may have another one
        return source.partial_kwargs.get(hook.conn_name_attr, hook.default_conn_name)
    return getattr(source, hook.conn_name_attr)
