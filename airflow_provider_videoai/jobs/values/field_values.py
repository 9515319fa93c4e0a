# SPDX-License-Identifier: Apache-2.0
"""Values of request fields as they come from DAG files, templates and XComs: read them, and say what is wrong.

These rules hold for every field of every request. What a single field allows is declared by its type.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum, auto
from typing import Annotated, Any, get_args, get_origin

from typing_extensions import is_typeddict

from airflow_provider_videoai.jobs.values.given_value import as_given
from airflow_provider_videoai.jobs.values.printable import printable

__all__ = ["LARGEST_INTEGER", "Shape", "is_empty", "is_result", "objection", "shape_of", "too_large", "unquoted"]

LARGEST_INTEGER = 2**53 - 1
"""What every JSON reader keeps exactly: RFC 8259 names it as the limit of interoperable integers."""
# Also a number for a text field has a limit: Python refuses to write out an int of more than 4,300 digits.
_MAX_BITS = 512
# Levels of lists and objects. A value that holds itself has endless ones.
_DEEPEST = 32
_LONGEST_KEY = 40


class Shape(Enum):
    """What kind of value a field takes."""

    TEXT = auto()
    NUMBER = auto()
    BOOLEAN = auto()
    LIST = auto()
    LIST_OF_LISTS = auto()
    OBJECT = auto()

    @property
    def structured(self) -> bool:
        """True for lists and objects, which templates render as JSON text or as Python writes them."""
        return self in (Shape.LIST, Shape.LIST_OF_LISTS, Shape.OBJECT)


def shape_of(annotation: Any) -> Shape:
    """Return what kind of value a field takes.

    :param annotation: the field's type; ``| None`` does not count.
    """
    kinds = list(_kinds(annotation))
    if lists := [kind for kind in kinds if get_origin(kind) is list]:
        inner = [get_origin(each) for kind in lists for each in _kinds(get_args(kind)[0])]
        return Shape.LIST_OF_LISTS if list in inner else Shape.LIST
    if any(get_origin(kind) is dict or is_typeddict(kind) for kind in kinds):
        return Shape.OBJECT
    if bool in kinds:
        return Shape.BOOLEAN
    return Shape.NUMBER if {int, float} & set(kinds) else Shape.TEXT


def _kinds(annotation: Any) -> Iterator[Any]:
    """Yield the types of a union, each without its ``Annotated``."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Annotated:
        yield from _kinds(arguments[0])
    elif type(None) in arguments:
        for each in arguments:
            yield from _kinds(each)
    else:
        yield annotation


def is_empty(value: object) -> bool:
    """Return whether a value is absent, or is what a template makes of an absent one.

    :param value: a field's value.
    """
    # Airflow renders {{ None }} as "None", unless the DAG renders native objects.
    return value is None or (isinstance(value, str) and value in ("", "None"))


def unquoted(value: str) -> Any:
    """Return the list or object whose text this is.

    :param value: text, which may be a list or an object as JSON or as Python writes it.
    :returns: the list or object; the text itself if it is neither.
    """
    if value.lstrip()[:1] not in ("[", "{"):
        return value
    # A template that is given a list or a dict writes its repr: None, True and tuples instead of JSON's.
    for read in (json.loads, ast.literal_eval):
        try:
            return read(value.strip())
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    return value


def objection(shape: Shape, value: object) -> str | None:
    """Return why no field of this shape takes this value.

    :param shape: what kind of value the field takes.
    :param value: what it was given.
    :returns: the end of a sentence that begins with the field's name; ``None`` if the field's type may decide.
    """
    return _wrong_shape(shape, value) or next(_unsendable(shape, value), None)


def _wrong_shape(shape: Shape, value: object) -> str | None:
    listed = isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray | memoryview)
    if shape.structured:
        if shape is Shape.LIST_OF_LISTS and listed and _flat(value):  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - neither follows `listed`
            return f"must be a list of lists; a single one is written {as_given([value])}"
        if shape is not Shape.OBJECT and isinstance(value, Mapping):
            return f"must be a list; a list of one is written {as_given([value])}"
        return None
    # The usual slip: `clean.output` instead of `clean.output["media_url"]`.
    if is_result(value):
        return 'must be one part of a result, and is a whole one: add ["media_url"], ["media_id"] or another key'
    if listed:
        return "must be one value, and is a list: map the task over it with .expand(), or give one of its members"
    # pydantic takes True for 1.
    if shape is Shape.NUMBER and isinstance(value, bool):
        return "must be a number"
    return None


def is_result(value: object) -> bool:
    """Return whether this is what a task of this package returned, or the text that a template made of it.

    :param value: a field's value.
    """
    if isinstance(value, str):
        return value.startswith("{") and ("'media_url'" in value or '"media_url"' in value)
    return isinstance(value, Mapping) and "media_url" in value and "job_id" in value


def _flat(values: Iterable[object]) -> bool:
    members = list(values)
    return bool(members) and all(isinstance(member, int | float | str) for member in members)


def _unsendable(shape: Shape, value: object) -> Iterator[str]:
    """Yield what JSON or an HTTP request cannot carry, each with its place."""
    for place, leaf in _leaves(value):
        if isinstance(leaf, float) and not math.isfinite(leaf):
            yield f"{place}must be a finite number, not {leaf}"
        # A text field is sent the digits as text, which no JSON reader rounds.
        elif isinstance(leaf, int) and shape is not Shape.TEXT and abs(leaf) > LARGEST_INTEGER:
            yield f"{place}{too_large(leaf)}"
        elif isinstance(leaf, int) and leaf.bit_length() > _MAX_BITS:
            yield f"{place}must be text, not {as_given(leaf)}"
        elif isinstance(leaf, bytes | bytearray | memoryview):
            # Pydantic would decode them, without the rules for text.
            yield f"{place}must be text, not {type(leaf).__name__}: decode it, as in value.decode()"
        elif isinstance(leaf, str) and (why := _bad_text(leaf)):
            yield f"{place}{why}"
        elif leaf is _TOO_DEEP:
            yield f"must not be nested deeper than {_DEEPEST} levels"


def too_large(value: int) -> str:
    """Return what is wrong with an integer that is too large.

    :param value: the integer; its digits are shortened.
    """
    return f"must be an integer between -(2**53 - 1) and 2**53 - 1, which JSON keeps exactly, not {as_given(value)}"


# An object of its own, so that no value of a user's can be equal to it.
_TOO_DEEP = object()


def _leaves(value: object, place: str = "", depth: int = 0) -> Iterator[tuple[str, object]]:
    if depth > _DEEPEST:
        yield place, _TOO_DEEP
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield f"a key in {place or 'it: '}", key
            yield from _leaves(inner, f"{place.removesuffix(': ')}[{_key(key)}]: ", depth + 1)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{place.removesuffix(': ')}[{index}]: ", depth + 1)
    else:
        yield place, value


def _key(key: object) -> str:
    return printable(key[:_LONGEST_KEY]) if isinstance(key, str) else as_given(key)


def _bad_text(text: str) -> str | None:
    if "\0" in text:
        return r"must not contain the character \x00: remove it"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"must not contain half a surrogate pair (character {error.start}), which no encoding can write"
    return None
