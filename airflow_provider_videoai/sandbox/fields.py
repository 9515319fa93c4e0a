# SPDX-License-Identifier: Apache-2.0
"""Read the fields of a request strictly: every field has a type, and no field goes unread."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit


class Problem(StrEnum):
    """What is wrong with a field; vendors' error codes differ by it."""

    MISSING = "missing"
    TYPE = "type"
    VALUE = "value"
    UNKNOWN = "unknown"


class InvalidField(Exception):
    """A field that its vendor refuses.

    :param name: with the names of the objects around it.
    :param text: what is wrong, in the words that the vendor's message will have.
    """

    def __init__(self, name: str, problem: Problem, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name
        self.problem = problem


class Fields:
    """The fields of one request.

    :param given: as they were sent.
    :param as_text: they came by query or form, so every value is a string.
    :param within: the names of the objects around them, for messages.
    """

    def __init__(self, given: Mapping[str, Any], *, as_text: bool = False, within: str = "") -> None:
        self._given = given
        self._as_text = as_text
        self._within = within
        self._read: set[str] = set()

    def has(self, name: str) -> bool:
        """Return whether a field was sent, and not as null.

        :param name: the vendor's name of it.
        """
        return self._given.get(name) is not None

    def given(self) -> dict[str, Any]:
        """Return all fields as they were sent."""
        return dict(self._given)

    def raw(self, name: str) -> Any:
        """Return the value as it was sent, or ``None``.

        :param name: counts as read, for :meth:`done`.
        """
        self._read.add(name)
        return self._given.get(name)

    def fault(self, name: str, problem: Problem, text: str) -> InvalidField:
        """Make the error for a field of this request.

        :param name: without the objects around it.
        :param text: what is wrong with it.
        """
        return InvalidField(f"{self._within}{name}", problem, text)

    def need(self, name: str) -> Any:
        """Return a value that must be present and not empty.

        :param name: the vendor's name of it.
        :raises InvalidField: if it is missing.
        """
        value = self.raw(name)
        if value is None or value == "":
            raise self.fault(name, Problem.MISSING, "is required")
        return value

    def text(self, name: str, longest: int | None = None) -> str | None:
        """Return a string, or ``None``.

        :param longest: characters that it may have.
        :raises InvalidField: if it is no string, or longer.
        """
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.fault(name, Problem.TYPE, "must be a string")
        if longest is not None and len(value) > longest:
            raise self.fault(name, Problem.VALUE, f"has more than {longest} characters")
        return value

    def need_text(self, name: str, longest: int | None = None) -> str:
        """Return a string that must be present and have more than whitespace.

        :param longest: characters that it may have.
        :raises InvalidField: if it is missing, no string, or longer.
        """
        self.need(name)
        value = self.text(name, longest) or ""
        if not value.strip():
            raise self.fault(name, Problem.MISSING, "is only whitespace")
        return value

    def url(self, name: str, longest: int | None = None) -> str | None:
        """Return an absolute http or https URL, or ``None``.

        :param longest: characters that it may have.
        :raises InvalidField: if it is no such URL, or longer.
        """
        value = self.text(name, longest)
        if not value:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise self.fault(name, Problem.VALUE, "must be an absolute http or https URL")
        return value

    def need_url(self, name: str) -> str:
        """Return an absolute http or https URL that must be present.

        :param name: the vendor's name of it.
        :raises InvalidField: if it is missing, or no such URL.
        """
        self.need(name)
        return self.url(name) or ""

    def number(self, name: str, low: float = -math.inf, high: float = math.inf) -> float | None:
        """Return a number, or ``None``.

        :param low: the least allowed value.
        :param high: the greatest allowed value.
        :raises InvalidField: if it is no number, or out of range.
        """
        value = self._number(name, float)
        if value is not None and not low <= value <= high:
            raise self.fault(name, Problem.VALUE, f"must be between {low} and {high}, not {value}")
        return value

    def whole(self, name: str, low: float = -math.inf, high: float = math.inf) -> int | None:
        """Return a whole number, or ``None``.

        :param low: the least allowed value.
        :param high: the greatest allowed value.
        :raises InvalidField: if it is no whole number, or out of range.
        """
        value = self._number(name, int)
        if value is not None and not low <= value <= high:
            raise self.fault(name, Problem.VALUE, f"must be between {low} and {high}, not {value}")
        return None if value is None else int(value)

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a boolean.

        :param default: what an absent field means.
        :raises InvalidField: if it is neither true nor false.
        """
        value = self.raw(name)
        if value is None:
            return default
        # Only these spellings: the documents show no other, and a client that sends "True" or "1" might be misread.
        if self._as_text and value in ("true", "false"):
            return bool(value == "true")
        if not isinstance(value, bool):
            raise self.fault(name, Problem.TYPE, "must be true or false")
        return value

    def choice(self, name: str, allowed: Collection[str]) -> str | None:
        """Return one of several strings, or ``None``.

        :param allowed: the strings; case counts.
        :raises InvalidField: if it is another.
        """
        value = self.text(name)
        if value is not None and value not in allowed:
            raise self.fault(name, Problem.VALUE, f"must be one of {sorted(allowed)}, not {value!r}")
        return value

    def rows(self, name: str) -> list[Any]:
        """Return a list; an absent one is empty. In text, it is a JSON array.

        :param name: the vendor's name of it.
        :raises InvalidField: if it is no list.
        """
        value = self.raw(name)
        if self._as_text and isinstance(value, str):
            value = _json_or_text(value)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.fault(name, Problem.TYPE, "must be an array")
        return value

    def inner(self, name: str) -> Fields:
        """Return the fields of an object; an absent one has none.

        :param name: the vendor's name of it.
        :raises InvalidField: if it is no object.
        """
        value = self.raw(name)
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise self.fault(name, Problem.TYPE, "must be an object")
        return Fields(value, within=f"{self._within}{name}.")

    def done(self) -> None:
        """Refuse fields that were not read.

        :raises InvalidField: that names the first of them.
        """
        # Stricter than a real vendor, which ignores a misspelt field: here the misspelling is found before money is
        # spent on a job without it.
        for name in self._given:
            if name not in self._read:
                raise self.fault(name, Problem.UNKNOWN, "is not a field of this call")

    def _number(self, name: str, kind: type[int | float]) -> float | None:
        value = self.raw(name)
        if value is None or (self._as_text and value == ""):
            return None
        if self._as_text and isinstance(value, str):
            try:
                return kind(value)
            except ValueError:
                raise self.fault(name, Problem.TYPE, "must be a number") from None
        # A bool is an int to Python, and JSON true is no number to any vendor.
        allowed = (int,) if kind is int else (int, float)
        if isinstance(value, bool) or not isinstance(value, allowed):
            raise self.fault(name, Problem.TYPE, f"must be {'a whole' if kind is int else 'a'} number")
        return value


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value
