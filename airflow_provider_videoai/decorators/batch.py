# SPDX-License-Identifier: Apache-2.0
"""``@task.video_batch``: a batch whose requests a function returns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from os import PathLike, fspath
from typing import Any

from airflow.sdk import Context, ObjectStoragePath
from airflow.sdk.bases.decorator import DecoratedOperator, TaskDecorator, task_decorator_factory
from airflow.sdk.definitions._internal.types import SET_DURING_EXECUTION
from typing_extensions import override

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.unexpected_errors import named
from airflow_provider_videoai.operators.batch import VideoBatchOperator
from airflow_provider_videoai.tasks.airflow_failures import airflow_boundary
from airflow_provider_videoai.tasks.xcom import obstacle_to

try:
    from airflow.sdk.bases.decorator import determine_kwargs
except ImportError:  # before 3.2
    from airflow.utils.operator_helpers import (  # type: ignore[no-redef,attr-defined,unused-ignore]
        determine_kwargs,  # pyright: ignore[reportPrivateImportUsage] - its place then
    )

__all__ = ["video_batch_task"]

_KEY = "requests"
"""The key of the XCom with what the function returned: the workers of an attempt go on with the same list."""


class _VideoBatchDecoratedOperator(DecoratedOperator, VideoBatchOperator):
    """A batch whose requests a function returns, which is called once per attempt."""

    template_fields: Sequence[str] = (  # pyright: ignore[reportIncompatibleVariableOverride] - both bases differ in it
        *DecoratedOperator.template_fields,
        *VideoBatchOperator.template_fields,
    )
    custom_operator_name = "@task.video_batch"

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.setdefault("requests", SET_DURING_EXECUTION) is not SET_DURING_EXECUTION:
            raise InvalidRequest("requests: must be left out: the function of @task.video_batch returns them")
        super().__init__(python_callable=python_callable, op_args=op_args, op_kwargs=op_kwargs, **kwargs)

    @override
    def execute(self, context: Context) -> Any:
        self.requests = self._returned(context)
        if self.deferrable:
            with airflow_boundary():
                _check_carried(self.requests)
            context["ti"].xcom_push(key=_KEY, value=self.requests)
        return super().execute(context)

    @override
    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        task = context["ti"]
        stored = task.xcom_pull(key=_KEY, task_ids=task.task_id, map_indexes=task.map_index)
        self.requests = self._returned(context) if stored is None else stored
        return super().resume_execution(next_method, next_kwargs, context)

    def _returned(self, context: Context) -> Any:
        """Call the function; an error of it is the user's own, and passes unchanged."""
        given = {**context, **self.op_kwargs}
        requests = self.python_callable(*self.op_args, **determine_kwargs(self.python_callable, self.op_args, given))
        if isinstance(requests, ObjectStoragePath):
            return str(requests)
        if isinstance(requests, PathLike):
            return fspath(requests)
        # What is no list of requests is refused with all other errors of requests.
        lists = isinstance(requests, Collection) and not isinstance(requests, str | bytes | Mapping)
        return list(requests) if lists or hasattr(requests, "__next__") else requests


def _check_carried(requests: Any) -> None:
    if (obstacle := obstacle_to(requests)) is not None:
        raise InvalidRequest(
            f"requests: the function returned what Airflow cannot carry to the next worker ({named(obstacle)}): return "
            "plain lists, dicts, text and numbers; nothing was sent, nothing was bought"
        )


def video_batch_task(python_callable: Callable[..., Any] | None = None, **kwargs: Any) -> TaskDecorator:
    """Make a batch of a function that returns its requests; in a DAG file ``@task.video_batch(vendor=..., ...)``.

    The function is called once per attempt. Return the same items in each: of a changed list the new rows are bought.
    What it returns is an XCom, which users read: return ``s3://`` URLs, and no signed ones.

    :param python_callable: returns what ``requests`` may be: a list, or the path or URL of a file.
    :param kwargs: the other arguments of :class:`~airflow_provider_videoai.operators.batch.VideoBatchOperator`.
    """
    return task_decorator_factory(
        python_callable=python_callable, decorated_operator_class=_VideoBatchDecoratedOperator, **kwargs
    )
