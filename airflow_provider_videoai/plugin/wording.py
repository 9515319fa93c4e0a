# SPDX-License-Identifier: Apache-2.0
"""What a browser may get of a vendor's words: plain text of limited length, URLs without their secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from html import unescape
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_videoai.jobs.values.outputs import OutputKind, kind_of_url
from airflow_provider_videoai.jobs.values.printable import is_printable, printable
from airflow_provider_videoai.jobs.values.url_secrets import without_secrets

__all__ = ["failure", "is_url", "kind_of", "rows_of", "shown", "spoken", "unsigned"]

_LAST_WORD = re.compile(r"(?<!\S)\S*\Z")
# In any case, as JSON may escape it, and with apostrophes of its own: what is not seen as a URL keeps its signature.
_URL = re.compile(r"https?:\\?/\\?/(?:[^\s\"'<>]|'(?=[\w%/?&=#+~]))*", re.IGNORECASE)
_NOTHING_BUT_URL = re.compile(r"https?:\\?/\\?/\S*", re.IGNORECASE)
_PAUSE = re.compile(r"<(?:break|p|s)\b[^<>]*>")
_TAG = re.compile(r"<[^<>]*>")
_NAMES_TIME = re.compile(r"(?:(?i:time|date|stamp|_at)|At)\Z")
_DIGITS = re.compile(r"[0-9]{10,13}")
_EPOCHS = (10**9, 4 * 10**9)
"""Epoch seconds of 2001 and of 2096: a number between them is a time, one between a thousand times as much as well."""
_LONGEST = 300
_MOST = 60
_READ = 4000
"""Characters that are looked at for those that are shown: URLs among them get shorter."""
_LONGEST_URL = 8000


def unsigned(text: str) -> str:
    """Return the text with every URL in it cut to its host and the name of the file.

    Some vendors sign in the query; of others the path itself is what nobody could guess.

    :param text: anything that a vendor or a user wrote.
    """
    # Of one that stands alone even a quote is a part.
    alone = _NOTHING_BUT_URL.fullmatch(text)
    return _host_and_name(alone) if alone else _URL.sub(_host_and_name, text)


def _host_and_name(url: re.Match[str]) -> str:
    scheme, _, place = without_secrets(url[0].replace("\\/", "/")).partition("://")
    host, slash, path = place.partition("/")
    folder, _, name = path.rpartition("/")
    return f"{scheme}://{host}{'/…' if folder else ''}{slash}{name}"


def shown(value: Any, longest: int = _LONGEST) -> str:
    """Return a value as one line of text that a browser may show.

    :param value: a text, or JSON values of any depth and size.
    :param longest: how many characters of it are shown.
    """
    text = value if isinstance(value, str) else _json(value)
    if len(text) > _READ:
        # Cut before the search for URLs: its time must not grow with what a vendor sent.
        text = _LAST_WORD.sub(_unless_url, text[:_READ])
        return f"{printable(unsigned(text))[:longest]}…"
    text = printable(unsigned(text))
    return text if len(text) <= longest else f"{text[:longest]}…"


def failure(error: Mapping[str, Any], longest: int) -> str:
    """Return why an item of a batch failed, as a line.

    :param error: ``{"type", "message", "code"}``, of a record or a manifest.
    :param longest: characters.
    """
    code = f" (code {error['code']})" if error.get("code") else ""
    return shown(f"{error['type']}: {error['message']}{code}", longest)


def spoken(text: str) -> str:
    """Return what is said of a text to be spoken: SSML without its tags; any other text as it is.

    :param text: a request's field.
    """
    if not text.lstrip().startswith("<speak"):
        return text
    return " ".join(unescape(_TAG.sub("", _PAUSE.sub(" ", text))).split())


def _unless_url(word: re.Match[str]) -> str:
    # Half a URL might end within the part that must not be shown.
    return "" if "://" in word[0].replace("\\/", "/") else word[0]


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (RecursionError, ValueError):  # nested too deeply; a number of thousands of digits
        return "…"


def rows_of(details: Any) -> list[tuple[str, str]]:
    """Return what the vendor said as rows of name and text.

    :param details: a result's ``details``; anything that is not a dict gives no rows.
    """
    if not isinstance(details, dict):
        return []
    said = ((name, value) for name, value in details.items() if value is not None and value != "")
    return [(shown(str(name)), _time(str(name), value) or shown(value)) for name, value in islice(said, _MOST)]


def _time(name: str, value: Any) -> str | None:
    """Return epoch seconds or milliseconds in ISO 8601; ``None`` for what is neither by its name and its size."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if not isinstance(value, int | float) or not 0 < value < 1000 * _EPOCHS[1] or not _NAMES_TIME.search(name):
        return None
    seconds = next((each for each in (value, value / 1000) if _EPOCHS[0] <= each < _EPOCHS[1]), None)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def is_url(value: Any) -> bool:
    """Return whether a value is an http(s) URL that a browser may be sent to.

    :param value: outside data of any type.
    """
    if not isinstance(value, str) or len(value) > _LONGEST_URL or not is_printable(value):
        return False
    try:
        address = urlsplit(value)
    except ValueError:
        return False
    return address.scheme in ("http", "https") and bool(address.hostname)


def kind_of(url: str) -> str:
    """Return which player shows a file, ``audio``, ``image`` or ``video``, by its name.

    :param url: of the file. Without a known suffix it is ``video``: that player plays sound as well.
    """
    kind = kind_of_url(url)
    return (kind if kind in (OutputKind.AUDIO, OutputKind.IMAGE) else OutputKind.VIDEO).value
