# SPDX-License-Identifier: Apache-2.0
"""The types of templated arguments: a value, a template of it, or a reference to another task's result.

A template renders to text, and every field is also read from its text; so each type has ``str``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from airflow.sdk import XComArg
from airflow.sdk.definitions.param import DagParam

from airflow_provider_videoai.files.locations import FilePath

__all__ = [
    "Fields",
    "FieldsList",
    "FileSource",
    "Flag",
    "Integer",
    "JobIds",
    "Number",
    "Reference",
    "Regions",
    "Result",
    "Results",
    "Text",
]

Reference: TypeAlias = XComArg | DagParam
"""What Airflow resolves when the task starts: ``task.output``, what a TaskFlow call returns, ``dag.param("name")``."""

Text: TypeAlias = str | Reference
Integer: TypeAlias = int | str | Reference
Number: TypeAlias = float | str | Reference
Flag: TypeAlias = bool | str | Reference
Regions: TypeAlias = Sequence[Sequence[float | Reference] | Reference] | str | Reference
"""Regions ``[x1, y1, x2, y2]``, as lists or tuples."""
Fields: TypeAlias = Mapping[str, Any] | str | Reference
"""A dict under the vendor's names."""
FieldsList: TypeAlias = Sequence[Mapping[str, Any] | Reference] | str | Reference
FileSource: TypeAlias = FilePath | Reference
Result: TypeAlias = Mapping[str, Any] | str | Reference
"""What an operator or a sensor of this package returned."""
Results: TypeAlias = Result | Sequence[Result]
JobIds: TypeAlias = Results
"""A job's id, or the result that holds it; or a list of these."""
