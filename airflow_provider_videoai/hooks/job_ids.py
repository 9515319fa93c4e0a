# SPDX-License-Identifier: Apache-2.0
"""Read the job ids that a user gave a sensor: one or many, plain or as the results of operators."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.printable import shown
from airflow_provider_videoai.jobs.vendor import Vendor


class JobIds(NamedTuple):
    """The ids in the user's order; ``many`` is true where a list was given, also of one."""

    ids: list[str]
    many: bool


def job_ids_of(given: Any, vendor: type[Vendor]) -> JobIds:
    """Read an id, the result of an operator of this package, or a list of these; raise :class:`InvalidRequest`."""
    given = _unquoted(given)
    many = not isinstance(given, str | Mapping)
    members = given if many else [given]
    if not isinstance(members, Iterable):
        raise InvalidRequest(f"job_id: must be an id or a list of ids, not {shown(given)}")
    ids = [_id_of(member) for member in members]
    if not ids:
        raise InvalidRequest("job_id: must name at least one job")
    for job_id in ids:
        vendor.check_job_id(job_id)
    return JobIds(ids, many)


def _unquoted(given: Any) -> Any:
    """Read a list that a template rendered as text, as JSON or as Python writes lists."""
    if isinstance(given, str) and given.lstrip().startswith("["):
        try:
            return json.loads(given.replace("'", '"'))
        except (ValueError, RecursionError):
            return given
    return given


def _id_of(given: Any) -> str:
    job_id = given.get("job_id") if isinstance(given, Mapping) else given
    if not isinstance(job_id, str):
        raise InvalidRequest(
            f"job_id: must be a text, or the result of an operator of this package, not {shown(given)}"
        )
    return job_id
