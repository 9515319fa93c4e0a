# SPDX-License-Identifier: Apache-2.0
"""Read the arguments that operators and sensors have in common: each by the same rule wherever it is given.

All raise :class:`InvalidRequest` naming the argument, what was given and what is expected.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from airflow_provider_videoai.jobs.values.given_value import as_given
from airflow_provider_videoai.jobs.values.printable import is_printable
from airflow_provider_videoai.tasks.template_literals import is_rendered_later

__all__ = ["choice", "connection_id", "count", "flag", "operation_of", "rendered_connection_id", "seconds"]

_LONGEST = timedelta(days=3650)  # a date too far for Airflow would fail the deferral, after the job was bought
_WORDS = {"true": True, "false": False}
_LONGEST_CONN_ID = 250  # of Airflow's database
# A template renders an XCom that is missing to the text "None".
_CONN_ID = re.compile(rf"(?!None\Z)\S{{1,{_LONGEST_CONN_ID}}}")


def seconds(name: str, value: timedelta | float | str, *, zero: bool = False) -> float:
    """Return a duration in seconds, from a timedelta, a number or its text; ``zero`` allows none at all.

    :param name: the argument, for the error.
    :param value: what the user gave.
    :param zero: whether no time at all is allowed.
    :raises InvalidRequest: for anything else, or for a negative duration.
    """
    number = _number(value)
    if number is None or not 0 <= number <= _LONGEST.total_seconds() or not (number or zero):
        least = "of at least 0" if zero else "greater than 0"
        raise InvalidRequest(
            f"{name}: must be a timedelta or a number of seconds {least} and at most {_LONGEST.days} days, "
            f"not {as_given(value)}{_not_rendered(value)}"
        )
    return number


def flag(name: str, value: Any) -> bool:
    """Return a yes or no: a bool, or the text ``true`` or ``false`` in any case.

    :param name: the argument, for the error.
    :param value: what the user gave, or what a template rendered to.
    :raises InvalidRequest: for anything else.
    """
    # By name: numpy's kinds of bool are none of Python's.
    if type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in _WORDS:
        raise InvalidRequest(f"{name}: must be True or False, not {as_given(value)}{_not_rendered(value)}")
    return _WORDS[word]


def choice(name: str, value: Any, allowed: Collection[str]) -> str:
    """Return one of the allowed words.

    :param name: the argument, for the error.
    :param value: what the user gave.
    :param allowed: the words.
    :raises InvalidRequest: for any other value.
    """
    if not isinstance(value, str) or value not in allowed:
        raise InvalidRequest(
            f"{name}: must be one of {', '.join(allowed)}, not {as_given(value)}{_not_rendered(value)}"
        )
    return value


def count(name: str, value: Any, most: int) -> int:
    """Return a number of things, of which there is at least one.

    :param name: the argument, for the error.
    :param value: what the user gave.
    :param most: the largest number that is allowed.
    :raises InvalidRequest: for anything else.
    """
    if type(value) is not int or not 1 <= value <= most:
        raise InvalidRequest(f"{name}: must be a whole number from 1 to {most:,}, not {as_given(value)}")
    return value


def operation_of(vendor: type[Vendor], operation: Any) -> str:
    """Return what a vendor is to do; ``None`` is enough for a vendor with one operation.

    :param vendor: the vendor.
    :param operation: what the user gave.
    :raises InvalidRequest: for anything that is not one of the vendor's operations.
    """
    if operation is None and len(vendor.requests) == 1:
        return next(iter(vendor.requests))
    if not isinstance(operation, str) or operation not in vendor.requests:
        given = "must be given" if operation is None else f"must not be {as_given(operation)}"
        raise InvalidRequest(f"operation: {given}: {vendor.title} has {', '.join(vendor.requests)}")
    return operation


def connection_id(name: str, value: Any) -> Any:
    """Return the id of a connection as it was given; one that is rendered later is checked when it is used.

    :param name: the argument, for the error.
    :param value: what the user gave.
    :raises InvalidRequest: for a literal that is no id.
    """
    return value if is_rendered_later(value) else rendered_connection_id(name, value)


def rendered_connection_id(name: str, value: Any) -> str:
    """Return the id of a connection, of which nothing is rendered any more.

    :param name: the argument, for the error.
    :param value: what the user gave, or what a template or another task's result made of it.
    :raises InvalidRequest: for anything that is no id, such as the text of a template that nobody rendered.
    """
    if isinstance(value, str) and _CONN_ID.fullmatch(value) and is_printable(value) and not is_rendered_later(value):
        return value
    raise InvalidRequest(
        f"{name}: must be the id of an Airflow connection, 1 to {_LONGEST_CONN_ID} printable characters without "
        f"whitespace, not {as_given(value)}"
    )


def _number(value: object) -> float | None:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _not_rendered(value: object) -> str:
    return ": this argument is not templated" if is_rendered_later(value) else ""
