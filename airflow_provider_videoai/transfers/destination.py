# SPDX-License-Identifier: Apache-2.0
"""Parse the arguments of a transfer: results of other tasks, and destination paths with fields of a result."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from string import Formatter
from typing import Any, NamedTuple

from airflow_provider_videoai.files.locations import check_name, store_url
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.model import JobResult
from airflow_provider_videoai.jobs.values.field_values import unquoted

__all__ = ["FIELDS", "Results", "check_template", "fields_of", "fill_in", "is_literal", "paths_for", "results_of"]

FIELDS = ("vendor", "operation", "job_id", "media_id", "submitted_at", "finished_at")
"""Fields of a result that a path may contain, as ``{job_id}``."""
_UNSAFE = re.compile(r"[/\\\x00-\x1f]|^\.{1,2}$")


class Results(NamedTuple):
    """Results in the given order; ``many`` is true if a list was given, even of one result."""

    results: list[JobResult]
    many: bool


def results_of(given: Any) -> Results:
    """Parse a result, a list of results, or the text of either, which a template renders to.

    :param given: what a template rendered to, or another task returned.
    :raises InvalidRequest: for anything else.
    """
    if isinstance(given, str) and isinstance(given := unquoted(given), str):
        raise _no_result(given)
    many = not isinstance(given, str | Mapping)
    members = given if many else [given]
    if not isinstance(members, Iterable):
        raise _no_result(given)
    results = [_result_of(member) for member in members]
    if not results:
        raise InvalidRequest("result: must hold at least one result")
    return Results(results, many)


def _result_of(given: Any) -> JobResult:
    try:
        result = JobResult.from_dict(given)
    except (TypeError, KeyError, ValueError):
        raise _no_result(given) from None
    if not (result.vendor and result.operation and result.job_id):
        raise _no_result(given)
    return result


def _no_result(given: Any) -> InvalidRequest:
    # The value is not shown: it may contain signed URLs.
    return InvalidRequest(
        f"result: must be the result of a task of this package, or a list of these, not a {type(given).__name__} "
        "that lacks its fields"
    )


def check_template(name: str, template: Any, *, many: bool = False, known: Collection[str] = FIELDS) -> None:
    """Check a path before its fields are filled in.

    :param name: of the argument, for the message.
    :param many: whether several results must get different paths.
    :param known: the fields that it may have.
    :raises InvalidRequest: if it is not the URL of a file, or has an unknown field.
    """
    if not isinstance(template, str) or store_url(template) is None:
        example = "item_id" if "item_id" in known else "job_id"
        raise InvalidRequest(
            f"{name}: must be the URL of a file, s3://conn@bucket/folder/{{{example}}}.mp4 or "
            f"file:///folder/{{{example}}}.mp4 say"
        )
    check_name(name, template)
    used = fields_of(name, template, known)
    if many and not {"job_id", "media_id"}.intersection(used):
        raise InvalidRequest(f"{name}: must hold {{job_id}} or {{media_id}}, as there may be several results")


def is_literal(template: str) -> bool:
    """Return whether a checked path has no fields, so that it is the same for every result.

    :param template: the path.
    """
    return not fields_of("", template)


def fields_of(name: str, template: str, known: Collection[str] = FIELDS) -> list[str]:
    """Return the fields of a path, in their order.

    :param name: of the argument, for the message.
    :param template: the path, with fields in braces.
    :param known: the fields that it may have.
    :raises InvalidRequest: for another field, and for a single brace.
    """
    try:
        parts = list(Formatter().parse(template))
    except ValueError as wrong:
        raise InvalidRequest(f"{name}: {wrong}; a brace itself is written twice") from None
    for _, field, form, conversion in parts:
        # Names only: an attribute or an index in a format field reaches into Python objects.
        if field is not None and (field not in known or form or conversion):
            raise InvalidRequest(f"{name}: there is no field {{{field}}}; there are {', '.join(known)}")
    return [field for _, field, _, _ in parts if field is not None]


def paths_for(name: str, template: Any, results: Sequence[JobResult], *, many: bool) -> list[str]:
    """Return the path of each result, all different.

    :param name: the argument, for the errors.
    :param template: the path, with fields in braces.
    :param results: whose fields fill them in.
    :param many: whether a list was given, so that the paths must differ.
    :raises InvalidRequest: if a path cannot be filled in, or two are the same.
    """
    check_template(name, template, many=many)
    paths = [_filled(name, template, result) for result in results]
    # One would overwrite the other, or fail after the first was copied.
    if len(set(paths)) < len(paths):
        raise InvalidRequest(f"{name}: several results would have the same path")
    return paths


def _filled(name: str, template: str, result: JobResult) -> str:
    values = {field: getattr(result, field) for field in fields_of(name, template)}
    for field, value in values.items():
        if value is None:
            raise InvalidRequest(f"{name}: the result of job {result.job_id} has no {field}")
    return fill_in(name, template, values, f"job {result.job_id}")


def fill_in(name: str, template: str, values: Mapping[str, Any], whose: str) -> str:
    """Fill in the fields of a checked path.

    :param name: of the argument, for the message.
    :param template: the path, with fields in braces.
    :param values: of the fields.
    :param whose: the values are, for the message.
    :raises InvalidRequest: for a value that would lead to another folder.
    """
    for field, value in values.items():
        # A vendor's text must not lead out of the user's folder (path traversal).
        if _UNSAFE.search(str(value)):
            raise InvalidRequest(f"{name}: {field} of {whose} has characters that are not allowed in file names")
    return template.format(**values)
