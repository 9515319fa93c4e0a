# SPDX-License-Identifier: Apache-2.0
"""Let the fields of an operator's result be XComs of their own if they are used."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from airflow.sdk import Context

from airflow_provider_videoai.tasks.template_literals import RendersText
from airflow_provider_videoai.tasks.xcom import push_parts, pushes_nulls

__all__ = ["ReturnsParts"]


class ReturnsParts(RendersText):
    """Base of operators that return a result as a dict.

    Of its fields those are XComs of their own which another task takes, and which are not null. Airflow's
    ``multiple_outputs`` holds if it is given: ``True`` makes XComs of all fields, ``False`` of none.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._parts_asked = kwargs.get("multiple_outputs", self.multiple_outputs or None)
        # With it a part that was not pushed, since it is null, is None to other tasks instead of an error.
        self.multiple_outputs = self._parts_asked is not False

    def _push_parts(self, context: Context, value: dict[str, Any], pushed: Collection[str] = ()) -> dict[str, Any]:
        """Push the parts that are in use, and return the result; the last step of ``execute``.

        :param pushed: keys that this attempt has pushed already.
        """
        if self._parts_asked is None:
            # Airflow would push each part, used or not. This is the running attempt's own copy of the operator.
            self.multiple_outputs = False
            push_parts(self, context["ti"], value, pushed=pushed, nulls=pushes_nulls(context["ti"]))
        return value
