# SPDX-License-Identifier: Apache-2.0
"""Take out of URLs what may be secret: the user before the host, and query and fragment, where signatures travel.

Logs, errors, XComs and pages show URLs of users, vendors and storages only through one of these functions. What only
distinguishes two URLs (a fingerprint, a download that is resumed) is not shown, and has rules of its own.
"""

from __future__ import annotations

import re

__all__ = ["without_secrets", "words_without_secrets"]

# Up to the last `@` before the path: a password that was not escaped may hold one.
_USER = re.compile(r"(?<=://)[^/?#]*@")
_QUERY = re.compile("[?#]")
# Also "&": a vendor may quote only the end of a query, "...&Signature=...".
_QUERY_OF_WORD = re.compile("[?#&]")


def without_secrets(url: str, mark: str = "") -> str:
    """Return a URL, or a text that is meant as one or begins with one, without user, query and fragment.

    Everything behind the first ``?`` or ``#`` goes: a URL that is wrong may hold spaces and quotes.

    :param url: a URL, or a text that begins with one.
    :param mark: stands for what was cut.
    """
    # No urlsplit(): it raises for some wrong URLs, and an error text about a wrong URL needs them.
    url = _USER.sub("", url)
    scheme = url.find("://")
    query = _QUERY.search(url, scheme) if scheme >= 0 else None
    return url if query is None else url[: query.start()] + mark


def words_without_secrets(text: str) -> str:
    """Return a sentence with single spaces, its URLs without user and query.

    :param text: a sentence from outside; a URL in it may be whole or begin with its path.
    """
    return " ".join(map(_word, text.split()))


def _word(word: str) -> str:
    query = _QUERY_OF_WORD.search(word)
    if query and ("://" in word or "=" in word[query.end() :]):
        word = word[: query.start()]
    return _USER.sub("", word)
