# SPDX-License-Identifier: Apache-2.0
"""The options of an account, which a connection carries in its extra: their names, and the rule of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.values.printable import shown

_SHOWN = 60
"""Characters of a wrong value that an error shows."""


class Option(NamedTuple):
    """``read`` returns an option's value, or raises ``ValueError`` for one that breaks the ``rule``."""

    rule: str
    read: Callable[[Any], Any]


def number(least: float, most: float, unit: str = "") -> Option:
    """Make the option that is a number, also written as text, from ``least`` (above 0) to ``most``."""

    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError  # noqa: TRY004 - whatever is no number breaks the one rule
        found = float(value)
        if not least <= found <= most:
            raise ValueError
        return found

    return Option(f"must be a number greater than 0, from {least:g} to {most:.15g}{unit}", read)


def whole_number(least: int, most: int) -> Option:
    """Make the option that is a whole number, also written as text, from ``least`` to ``most``."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError  # noqa: TRY004 - as above
        found = int(value) if isinstance(value, str) else value
        if found != int(found) or not least <= found <= most:
            raise ValueError
        return int(found)

    return Option(f"must be a whole number from {least} to {most}", read)


def one_of(**meanings: Any) -> Option:
    """Make the option that is one of these words, in any case; its value is what the word stands for."""
    return Option(f"must be {' or '.join(meanings)}", lambda value: _meaning(meanings, value))


def header_text(most: int) -> Option:
    """Make the option that is sent as a header: at most so many printable ASCII characters."""

    def read(value: Any) -> str:
        text = value.strip() if isinstance(value, str) else ""
        if not text or len(text) > most or not (text.isascii() and text.isprintable()):
            raise ValueError
        return text

    return Option(f"must be a text of 1 to {most} printable ASCII characters", read)


FLAG = one_of(true=True, false=False)

COMMON: Mapping[str, Option] = {
    "max_requests_per_minute": number(0.001, 1_000_000),
    "timeout": number(0.001, 86_400, " seconds"),
    "outage_tolerance": number(0.001, 1e9, " seconds"),
    "allow_private_addresses": FLAG,
}
"""What every vendor's connection takes."""


def read_options(given: Mapping[str, Any], known: Mapping[str, Option], where: str) -> dict[str, Any]:
    """Return the values of the options that were given; one that is null or empty was not.

    ``where`` begins the text of the :class:`InvalidRequest` that is raised for an unknown name or a broken rule.
    """
    for name in given:
        if name not in known:
            raise InvalidRequest(
                f"{where}: extra has no option {shown(name, _SHOWN)}{_meant(name, known)}; nothing was sent"
            )
    return {name: _read(name, value, known[name], where) for name, value in given.items() if value not in (None, "")}


def _read(name: str, value: Any, option: Option, where: str) -> Any:
    try:
        return option.read(value)
    except (ValueError, OverflowError):
        problem = f"extra {name!r} {option.rule}, not {shown(value, _SHOWN)}"
        raise InvalidRequest(f"{where}: {problem}; nothing was sent") from None


def _meant(name: str, known: Mapping[str, Option]) -> str:
    from difflib import get_close_matches  # not needed where DAG files are parsed

    close = get_close_matches(name[:_SHOWN].lower(), known, n=1)
    guess = f": did you mean {close[0]!r}?" if close else "."
    return f"{guess} It takes {', '.join(known)}"


def _meaning(meanings: Mapping[str, Any], value: Any) -> Any:
    word = str(value).strip().lower() if isinstance(value, str | bool) else ""
    if word not in meanings:
        raise ValueError
    return meanings[word]
