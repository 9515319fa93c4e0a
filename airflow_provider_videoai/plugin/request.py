# SPDX-License-Identifier: Apache-2.0
"""What the page shows of a job's request: its fields as text, the regions to draw over the input, what is cut out.

They come from the arguments that Airflow keeps of a task that has run, each as it was rendered. Airflow shortens long
ones, masks secrets, and keeps those of the newest runs only. So whatever is there is shown, and nothing is missed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from airflow_provider_videoai.hooks.hook_class import hook_class
from airflow_provider_videoai.jobs.job_reference import JobReference, source_of
from airflow_provider_videoai.jobs.request import JobRequest
from airflow_provider_videoai.jobs.values.field_values import is_empty, unquoted
from airflow_provider_videoai.plugin.wording import shown, spoken
from airflow_provider_videoai.registry import VENDORS

__all__ = ["MOST_REGIONS", "request_of"]

MOST_REGIONS = 50

_LONGEST = 20_000
"""Characters of a list's text that are read at most."""
_CUT = ("seek_start", "duration")
_CORNERS = 4
_PAIR = 2


def request_of(reference: JobReference, rendered: Any) -> dict[str, Any]:
    """Return what the page shows of a request.

    :param reference: what the task stored of its jobs.
    :param rendered: the arguments that it ran with, by name; JSON values of any kind.
    :returns: JSON values: ``rows`` of name and text; ``regions``, each with its ``field``, its ``box`` (x1, y1, x2,
        y2), whether that is ``relative`` to the picture's size, and its ``seconds`` or ``None``; ``cut`` from second
        to second, or ``None``.
    """
    fields = {name: _value(value) for name, value in _fields(reference, rendered)}
    cut = _cut(fields)
    elsewhere = _CUT if cut else ()
    return {
        "rows": [
            (name, _text(value))
            for name, value in fields.items()
            if name not in elsewhere and source_of(rendered[name]) != reference.source
        ],
        "regions": list(islice(_regions(fields), MOST_REGIONS)),
        "cut": cut,
    }


def _fields(reference: JobReference, rendered: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields of the request that were given, in the order of the vendor's request."""
    request = _request_class(reference)
    if request is None or not isinstance(rendered, Mapping):
        return
    for name in request.model_fields:
        if not is_empty(rendered.get(name)):
            yield name, rendered[name]


def _request_class(reference: JobReference) -> type[JobRequest] | None:
    if reference.vendor not in VENDORS:
        return None
    return hook_class(reference.vendor).vendor_class.requests.get(reference.operation)


def _value(value: Any) -> Any:
    # A template that gives a list gives its text.
    return unquoted(value) if isinstance(value, str) and len(value) <= _LONGEST else value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return shown(spoken(value))
    if isinstance(value, Mapping) and not any(isinstance(each, Mapping | list) for each in value.values()):
        return shown(", ".join(f"{name}: {each}" for name, each in value.items()))
    return shown(value)


def _regions(fields: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for field, value in fields.items():
        for each in value if isinstance(value, list) else ():
            given = each if isinstance(each, Mapping) else {"box": each}
            box = _numbers(given.get("box"), _CORNERS)
            if box is not None and box[0] < box[2] and box[1] < box[3]:
                # ViiTor documents no unit: regions within the unit square are taken for fractions, others for pixels.
                relative = max(box) <= 1
                seconds = _numbers(given.get("timestamp"), _PAIR)
                yield {"field": field, "box": box, "relative": relative, "seconds": seconds}


def _cut(fields: Mapping[str, Any]) -> tuple[float, float] | None:
    values = [fields.get(name) for name in _CUT]
    try:
        numbers = _numbers([float(value) if isinstance(value, str) else value for value in values], _PAIR)
    except ValueError:
        return None
    return None if numbers is None else (numbers[0], numbers[0] + numbers[1])


def _numbers(value: Any, count: int) -> Sequence[float] | None:
    """Return a list of so many numbers that are finite and not negative; ``None`` for anything else."""
    # Python's text of a list may hold tuples.
    if not isinstance(value, list | tuple) or len(value) != count:
        return None
    good = all(isinstance(each, int | float) and not isinstance(each, bool) and 0 <= each < 2**53 for each in value)
    return value if good and all(map(math.isfinite, value)) else None
