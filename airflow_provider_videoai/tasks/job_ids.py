# SPDX-License-Identifier: Apache-2.0
"""Read the job ids that a user gave a sensor: one or many, plain or as the results of operators."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from airflow_provider_videoai.jobs.values.field_values import unquoted
from airflow_provider_videoai.jobs.values.given_value import as_given

__all__ = ["JobIds", "job_ids_of"]


class JobIds(NamedTuple):
    """The ids in the user's order; ``many`` is true if a list was given, also of one."""

    ids: list[str]
    many: bool


def job_ids_of(given: Any, vendor: type[Vendor]) -> JobIds:
    """Read an id, the result of an operator of this package, or a list of these; raise :class:`InvalidRequest`.

    :param given: the argument ``job_id`` as it was rendered.
    :param vendor: the vendor whose ids they are.
    :raises InvalidRequest: naming the value and the rule that it breaks.
    """
    if isinstance(given, str):
        given = unquoted(given)
    many = isinstance(given, Iterable) and not isinstance(given, str | Mapping)
    # A set has no order, and the results come in the order of the ids.
    if not isinstance(given, str | Mapping | Iterable) or isinstance(given, bytes | bytearray | AbstractSet):
        raise InvalidRequest(f"job_id: must be an id or a list of ids, not {as_given(given)}{_origin(given)}")
    ids = [_id_of(member, vendor) for member in (given if many else [given])]
    if not ids:
        raise InvalidRequest("job_id: must name at least one job, and is an empty list")
    for job_id in ids:
        vendor.check_job_id(job_id)
        # A template renders an XCom that is missing to this text.
        if job_id == "None":
            raise InvalidRequest(f"job_id: 'None' is no id{_origin(job_id)}")
    return JobIds(ids, many)


def _id_of(given: Any, vendor: type[Vendor]) -> str:
    job_id = given.get("job_id") if isinstance(given, Mapping) else given
    whose = given.get("vendor") if isinstance(given, Mapping) else None
    if whose not in (None, vendor.key):
        raise InvalidRequest(f"job_id: must be a job of {vendor.title}, not the result of one of {as_given(whose)}")
    if not isinstance(job_id, str):
        raise InvalidRequest(
            "job_id: must be a text, or the result of an operator of this package, "
            f"not {as_given(given)}{_origin(job_id)}"
        )
    return job_id


def _origin(value: object) -> str:
    nothing = value is None or (isinstance(value, str) and value == "None")
    return ": check the template, or the task and the XCom key, that it comes from" if nothing else ""
