# SPDX-License-Identifier: Apache-2.0
"""Read a vendor's JSON into values that Airflow and its database can carry.

Lone surrogates and NUL become U+FFFD, NaN and infinities null, integers beyond 64 bits decimal text. What is nested too
deep, or too long to be kept, is cut and says so. Keys that Airflow's serializer reserves get a prefix.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

__all__ = [
    "MAX_BYTES",
    "MAX_BYTES_OF_A_TASK",
    "MAX_LEVELS",
    "bounded",
    "details_limit",
    "json_object",
    "json_value",
    "normalised",
]

MAX_LEVELS = 32
"""How deep objects and arrays may be nested."""
MAX_BYTES = 4 * 1024**2
"""How much JSON is kept of one job's details; an hour of speech with a time for every word takes about 1.5 MB."""
MAX_BYTES_OF_A_TASK = 64 * 1024**2
"""How much JSON is kept of the details of all of a task's jobs together."""

# Airflow's workers and supervisor exchange msgpack, whose integers are those of 64 bits, signed or unsigned.
_LEAST_INT, _GREATEST_INT = -(2**63), 2**64 - 1
# So many digits fit into 64 bits for sure, and so many characters at most.
_SURE_DIGITS, _MAX_CHARACTERS = 18, 20
# Digits to zeros and one search for a row of them: both run in C, a regular expression over each answer takes longer.
_LONG_DIGITS = b"0" * (_SURE_DIGITS + 1)
_DIGITS_AS_ZERO = bytes(ord("0") if ord("0") <= each <= ord("9") else 0xFF for each in range(256))
# PostgreSQL refuses NUL in text and JSON; UTF-8 cannot encode a lone surrogate.
_UNCARRIABLE = re.compile("[\x00\ud800-\udfff]")
# A dict with keys such as `__classname__` or `__type` is deserialized by Airflow into another object.
_RESERVED = "__"
_ODD_ESCAPES = re.compile(r"\\u(?:0000|005[fF]|[dD][89a-fA-F])")


def json_object(body: bytes, *, exact_texts: bool = False) -> dict[str, Any] | None:
    """Return the JSON object that ``body`` holds, normalised.

    :param body: the bytes of an answer, in any of JSON's encodings; bytes that are not text are replaced.
    :param exact_texts: leave texts as they are: the id of a job that was bought has to be shown as it came.
    :returns: ``None`` if it holds no object.
    """
    encoding = json.detect_encoding(body)
    # Reading each integer by ourselves would take as long as all the rest, so it is done only if one may be too long.
    sure = encoding.startswith("utf-8") and _LONG_DIGITS not in body.translate(_DIGITS_AS_ZERO)
    decoder = _DECODER if sure else _DECODER_OF_LONG_INTEGERS
    try:
        value = _read(body.decode(encoding, "replace"), decoder, exact_texts=exact_texts)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def json_value(text: str) -> Any:
    """Return the JSON value that ``text`` is, normalised, for JSON that is a text within JSON.

    :param text: what may be JSON.
    :raises ValueError: if it is not.
    """
    return _read(text, _DECODER_OF_LONG_INTEGERS, exact_texts=False)


def _read(text: str, decoder: json.JSONDecoder, *, exact_texts: bool) -> Any:
    try:
        value = decoder.decode(text)
    except RecursionError:
        raise ValueError("JSON that is nested deeper than can be read") from None
    # Nearly every answer needs no change. Looking for what could need one is faster than rebuilding every object.
    if exact_texts or _looks_odd(text) or _is_deep(text, value):
        return normalised(value, exact_texts=exact_texts)
    return value


def normalised(value: Any, *, exact_texts: bool = False, levels: int = MAX_LEVELS) -> Any:
    """Return a JSON value as :func:`json_object` makes it, however it was read.

    :param value: a JSON value as Python has it.
    :param exact_texts: leave texts as they are.
    :param levels: how deep objects and arrays may still be nested; what is below is cut and says so.
    :raises TypeError: for what is no JSON value.
    :raises ValueError: for an integer of thousands of digits.
    """
    match value:
        case None | bool():
            return value
        case str():
            return value if exact_texts else _UNCARRIABLE.sub("\ufffd", value)
        case int():
            return value if _LEAST_INT <= value <= _GREATEST_INT else str(value)
        case float():
            return value if math.isfinite(value) else None
        case dict() | list() if not levels:
            return f"[cut: nested deeper than {MAX_LEVELS} levels]"
        case list():
            return [normalised(each, exact_texts=exact_texts, levels=levels - 1) for each in value]
        case dict():
            return {
                _key(key): normalised(each, exact_texts=exact_texts, levels=levels - 1) for key, each in value.items()
            }
    raise TypeError(f"a {type(value).__name__} is no JSON value")


def details_limit(jobs: int) -> int:
    """Return how many bytes of JSON may be kept of the details of each of a task's jobs.

    :param jobs: how many jobs the task has.
    """
    return min(MAX_BYTES, MAX_BYTES_OF_A_TASK // max(jobs, 1))


def bounded(value: Any, most: int = MAX_BYTES) -> Any:
    """Cut a JSON value to a size, its longest parts first; what is left says what was cut.

    :param value: a normalised JSON value.
    :param most: bytes of JSON; at least some 200, so that there is room for the mark.
    :returns: the value itself if it fits.
    """
    if (size := _size(value)) <= most:
        return value
    mark = f"[cut: {size} bytes of JSON]"
    most -= len(mark) + len('"[cut]": ""}')
    match value:
        case str():
            return _prefix(value, most) + mark
        case list():
            return [*_first(value, most), mark]
        case dict():
            return _smallest(value, most, mark)
    return mark


def _prefix(text: str, most: int) -> str:
    text = text[:most]
    while (size := _size(text)) > most:  # characters beyond ASCII take several bytes each
        text = text[: len(text) * most // size]
    return text


def _first(members: list[Any], most: int) -> list[Any]:
    for count, member in enumerate(members):
        most -= _size(member) + 2
        if most < 0:
            return members[:count]
    return members


def _smallest(members: dict[str, Any], most: int, mark: str) -> dict[str, Any]:
    # The shortest members first: a code, a duration or an id says more per byte than a list of every word.
    kept: dict[str, Any] = {}
    for key, member in sorted(members.items(), key=_size_of_member):
        room = most - _size(key) - 4
        if room < 4 * len(mark):  # less than this, and what is said of it takes more than what is kept
            return {**kept, "[cut]": mark}
        kept[key] = bounded(member, room)
        most = room - _size(kept[key])
    return kept


def _size_of_member(member: tuple[str, Any]) -> int:
    return _size(member[1])


def _size(value: Any) -> int:
    # With ASCII escapes, as Airflow's serializer writes it: a Chinese character takes six bytes, not three.
    return len(json.dumps(value))


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a {type(key).__name__} is no key of a JSON object")
    key = _UNCARRIABLE.sub("\ufffd", key)
    return f"vendor:{key}" if key.startswith(_RESERVED) else key


def _looks_odd(text: str) -> bool:
    return '"__' in text or ("\\u" in text and _ODD_ESCAPES.search(text) is not None)


def _is_deep(text: str, value: Any) -> bool:
    if text.count("{") + text.count("[") <= MAX_LEVELS:
        return False
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_LEVELS):
        inside = (each.values() if type(each) is dict else each for each in level)
        level = [member for members in inside for member in members if type(member) in (dict, list)]
    return bool(level)


def _int(digits: str) -> int | str:
    # int() raises for more than 4,300 digits, and a long number must not cost the rest of the answer.
    if len(digits) <= _SURE_DIGITS or (len(digits) <= _MAX_CHARACTERS and _LEAST_INT <= int(digits) <= _GREATEST_INT):
        return int(digits)
    return digits


def _float(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _null(_constant: str) -> None:
    return None


_DECODER = json.JSONDecoder(parse_constant=_null, parse_float=_float)
_DECODER_OF_LONG_INTEGERS = json.JSONDecoder(parse_constant=_null, parse_float=_float, parse_int=_int)
