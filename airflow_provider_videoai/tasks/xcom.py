# SPDX-License-Identifier: Apache-2.0
"""Hand values to Airflow: find out first whether it can carry them, and let no mere display fail a task."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Collection, Iterable, Mapping
from types import CodeType
from typing import Any, Protocol

from airflow.sdk import BaseOperator
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.definitions.mappedoperator import MappedOperator

from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.values.printable import shortened

__all__ = ["named_in_use", "obstacle_to", "parts_in_use", "parts_to_push", "push_parts", "pushes_nulls", "show"]

_KEY = re.compile(r"""\bkey\s*=\s*['"](\w+)['"]""")


class _CanPush(Protocol):
    def xcom_push(self, key: str, value: Any) -> None:
        """Write an XCom of the task."""


def parts_in_use(task: BaseOperator) -> set[str] | None:
    """Return the XCom keys of a task that other tasks of its DAG take, by reference or in a template.

    Each XCom is a request to Airflow's API server and three statements of its database, and a result has a dozen parts.
    A key that is written out in a template, ``xcom_pull(..., key="...")``, or in a function that a task calls, counts
    whichever task it is pulled from.

    :param task: the task that is running; one that is in no DAG is used by nobody.
    :returns: the keys; ``None``, which stands for all, if the arguments of a task cannot be searched.
    """
    if not task.has_dag():  # type: ignore[no-untyped-call]
        return set()
    found: set[str] = set()
    try:
        for other in task.dag.task_dict.values():
            if other.task_id != task.task_id:
                _find_keys(other, task.task_id, found, set())
                found.update(_named_in_code(_function_of(other)))
    except Exception:  # noqa: BLE001 - anybody's objects, nested as deep as they like; the job is paid for by now
        return None
    return found


def named_in_use(task: BaseOperator) -> str | None:
    """Return what :func:`parts_in_use` does as the argument of a trigger.

    :param task: the task that is about to defer.
    """
    in_use = parts_in_use(task)
    return None if in_use is None else " ".join(sorted(in_use))


def _find_keys(value: Any, task_id: str, found: set[str], seen: set[int]) -> None:
    if isinstance(value, str):
        # An f-string of `task.output["..."]` is such a template, too.
        found.update(_KEY.findall(value) if "{" in value else ())
        return
    if id(value) in seen:
        return
    seen.add(id(value))
    if hasattr(value, "iter_references"):
        found.update(key for source, key in value.iter_references() if source.task_id == task_id)
    for part in _parts_of(value):
        _find_keys(part, task_id, found, seen)


def _parts_of(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    if isinstance(value, list | tuple | set | frozenset):
        return value
    if isinstance(value, MappedOperator):
        # What is mapped over; of a decorated function Airflow keeps it under the second name.
        inputs = (value.expand_input, getattr(value, "op_kwargs_expand_input", None))
        return [value.partial_kwargs, *(getattr(each, "value", None) for each in inputs)]
    fields = getattr(value, "template_fields", None)
    # As Airflow renders them: operators, and objects with template fields inside of their arguments.
    return [getattr(value, name, None) for name in fields] if isinstance(fields, list | tuple | set | frozenset) else ()


def _function_of(task: Any) -> CodeType | None:
    """Return the code of the function that a Python task calls; ``None`` for another task."""
    function = getattr(task, "python_callable", None)
    if function is None and isinstance(task, MappedOperator):
        function = task.partial_kwargs.get("python_callable")
    return getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None


def _named_in_code(code: CodeType | None) -> set[str]:
    """Return the names that stand as text in code that pulls XComs, functions in it included."""
    constants, names = list[Any]([code]), set[str]()
    found: set[str] = set()
    while constants:
        constant = constants.pop()
        if isinstance(constant, CodeType):
            constants += constant.co_consts
            names.update(constant.co_names)
        elif isinstance(constant, tuple | frozenset):
            constants += constant
        elif isinstance(constant, str) and constant.isidentifier():
            found.add(constant)
    return found if "xcom_pull" in names else set()


def push_parts(
    task: BaseOperator,
    task_instance: _CanPush,
    value: Mapping[str, Any],
    *,
    pushed: Collection[str] = (),
    nulls: bool = True,
) -> None:
    """Push the parts of a result that other tasks take.

    :param task: the running operator or sensor.
    :param task_instance: the running one.
    :param value: the result.
    :param pushed: keys that this attempt has pushed already.
    :param nulls: see :func:`parts_to_push`.
    """
    if task.do_xcom_push:
        for key, part in parts_to_push(value, parts_in_use(task), nulls=nulls).items():
            if key not in pushed:
                task_instance.xcom_push(key=key, value=part)


def parts_to_push(value: Mapping[str, Any], in_use: Collection[str] | None, *, nulls: bool = True) -> dict[str, Any]:
    """Return the parts of a result that are XComs of their own.

    :param value: a result.
    :param in_use: the keys that other tasks take; ``None`` for all.
    :param nulls: whether parts that are null are XComs, too. Of mapped tasks a missing one would shift the others, and
        of a task without ``multiple_outputs`` it is an error to who takes it.
    """
    if in_use is None:
        return dict(value)
    return {key: part for key, part in value.items() if key in in_use and (nulls or part is not None)}


def pushes_nulls(task_instance: Any) -> bool:
    """Return whether an operator's task pushes parts that are null: only if it is mapped, or in a task loop.

    :param task_instance: Airflow's; ``None`` outside of a DAG run.
    """
    return getattr(task_instance, "map_index", -1) >= 0 or getattr(task_instance, "region_id", None) is not None


def obstacle_to(value: Any) -> Exception | None:
    """Return what keeps Airflow from carrying a value as XCom or event; ``None`` if nothing does.

    The value goes the way of a real one, short of the sockets and the database: through Airflow's serializer, the
    message of an XCom, the frame between Airflow's processes, and JSON as PostgreSQL takes it.

    :param value: what is to be carried.
    """
    from airflow.sdk.execution_time.comms import SetXCom

    try:
        serialized: Any = BaseXCom.serialize_value(value)
        message = SetXCom(key="value", value=serialized, dag_id="", run_id="", task_id="")
        _check_frame(message.model_dump())
        if "\\u0000" in json.dumps(serialized, allow_nan=False):
            return ValueError("a NUL, which PostgreSQL does not take")
    except Exception as refused:  # noqa: BLE001 - whatever an encoder raises is the obstacle
        return refused
    return None


def _check_frame(body: dict[str, Any]) -> None:
    try:
        from airflow.sdk.execution_time.comms import _RequestFrame
    except ImportError:  # a private name: what it encodes with is not
        import msgspec

        msgspec.msgpack.encode(body)
    else:
        _RequestFrame(id=0, body=body).as_bytes()


def show(task_instance: _CanPush, key: str, value: Any, log: Log) -> None:
    """Push an XCom that is only displayed; if that fails, say so in the log and go on.

    :param task_instance: the running task's.
    :param key: the XCom's key.
    :param value: JSON values.
    :param log: where a failure is said.
    """
    try:
        task_instance.xcom_push(key=key, value=value)
    except Exception as failure:  # noqa: BLE001 - what is only displayed is not worth the job's task
        log.warning("Could not write XCom %r: %s: %s", key, type(failure).__name__, shortened(str(failure)))
