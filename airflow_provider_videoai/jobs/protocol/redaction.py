# SPDX-License-Identifier: Apache-2.0
"""Keep an account's login and password out of whatever a vendor sends back.

A server may echo what it was sent, in any field, literally or encoded. So its answer is masked as a whole, once,
before anything is read from it, and before any text is cut: a part of a secret that was cut is not found any more.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

__all__ = ["MASK", "Redaction"]

MASK = "***"
# Characters from which on a text is masked: a shorter secret may be the same as a number or a word.
_LONG = 8
_INSIDE_A_WORD = frozenset("_/%+-")


class Redaction:
    """Masks one login and one password in the parsed JSON of an answer.

    * A password of at least 8 characters is masked wherever it stands, also inside longer words, and in the keys.
    * A login of at least 8 characters is masked anywhere in text that has spaces. In a value without spaces (an id, a
      URL, a state) only as a word of its own, such as in ``key=login``, and never in a URL: a vendor may keep the
      results of an account below the account's name.
    * Shorter ones, and logins of digits only, are masked only as words of their own in text that has spaces: ``42``
      may as well be a number, or a part of a job's id.
    * Longer ones are also found URL-encoded, JSON- or HTML-escaped, in hex, in base64 at any offset, and in capitals.
    * Never masked: numbers, and the vendor's words for states.

    :param login: the account's.
    :param password: the account's.
    :param spared: the vendor's words for states, in lower case: a login "running" must not hide a state.
    """

    # No regular expressions: `re` keeps the ones that it compiled in a cache, and with them the secrets.

    __slots__ = ("_anywhere", "_in_text", "_traces", "_words", "_words_in_text")

    def __init__(self, login: str, password: str, *, spared: Collection[str] = ()) -> None:
        login, password = ("" if secret.lower() in spared else secret for secret in (login, password))
        # Logins of digits, such as ViiTor's X-User-Id, would be masked out of numbers and of jobs' ids.
        long_login = login if len(login) >= _LONG and not login.isdigit() else ""
        long_password = password if len(password) >= _LONG else ""
        self._anywhere = _forms(long_password)
        self._in_text = _forms(long_login)
        self._words = (long_login, quote(long_login, safe="")) if long_login else ()
        self._words_in_text = tuple(
            secret for secret, is_long in ((login, long_login), (password, long_password)) if secret and not is_long
        )
        forms = (*self._anywhere, *self._in_text, *self._words_in_text)
        self._traces = tuple(form.encode("utf-8", "replace") for form in forms)

    def masked(self, body: bytes, parsed: Any) -> Any:
        """Return the JSON of an answer without the secrets.

        The usual answer has none, and is returned as it is after a search of its bytes.

        :param body: the bytes of the answer.
        :param parsed: the JSON value that was read from them.
        """
        # An escape, or another encoding than UTF-8, may hide a secret from the search.
        if b"\\" in body or b"\0" in body:
            return self._walked(parsed)
        for trace in self._traces:  # a loop costs a third of `any`, and each poll takes it
            if trace in body:
                return self._walked(parsed)
        return parsed

    def text(self, value: str) -> str:
        """Return a text without the secrets.

        :param value: a text of an answer.
        """
        for form in self._anywhere:
            value = value.replace(form, MASK)
        if len(value.split(None, 1)) > 1:
            for form in self._in_text:
                value = value.replace(form, MASK)
            for word in self._words_in_text:
                value = _without_word(value, word)
        elif "://" not in value:
            for word in self._words:
                value = _without_word(value, word)
        return value

    def _walked(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(name): self._walked(member) for name, member in value.items()}
        if isinstance(value, list):
            return [self._walked(member) for member in value]
        return value


def _forms(secret: str) -> tuple[str, ...]:
    """Return the ways in which a secret may be written, the longest first; none of an empty one."""
    raw = secret.encode("utf-8", "replace")
    quoted = (quote(secret, safe=""), quote(secret), quote_plus(secret))
    forms = {
        secret,
        *quoted,
        *(_lower_escapes(form) for form in quoted),
        json.dumps(secret)[1:-1],
        json.dumps(secret).replace("/", "\\/")[1:-1],
        html.escape(secret),
        raw.hex(),
        *_base64_cores(raw),
    }
    forms |= {cased for form in (secret, raw.hex()) for cased in (form.upper(), form.lower())}
    # Longest first: if a form is part of another one, masking the shorter first would leave the rest of the longer.
    return tuple(sorted(filter(None, forms), key=len, reverse=True))


def _lower_escapes(quoted: str) -> str:
    first, *rest = quoted.split("%")
    return "%".join((first, *(part[:2].lower() + part[2:] for part in rest)))


def _base64_cores(raw: bytes) -> Iterator[str]:
    """Yield what base64 makes of the bytes behind 0, 1 or 2 others, without the characters that those share in."""
    if not raw:
        return
    for offset in range(3):
        whole = (offset + len(raw)) * 8 // 6
        start = -(-offset * 8 // 6)
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(bytes(offset) + raw).decode()[start:whole]


def _without_word(text: str, word: str) -> str:
    """Mask a word unless it is part of a longer word, number or path."""
    pieces: list[str] = []
    start = 0
    while (at := text.find(word, start)) >= 0:
        end = at + len(word)
        before = text[max(0, at - 2) : at]
        alone = not (_joins(before[::-1]) or _joins(text[end : end + 2]))
        pieces += (text[start:at], MASK if alone else word)
        start = end
    return "".join((*pieces, text[start:]))


def _joins(neighbours: str) -> bool:
    """Return whether the next characters go on with a word; a point does so only with a further one."""
    nearest, further = neighbours[:1], neighbours[1:]
    return nearest.isalnum() or nearest in _INSIDE_A_WORD or (nearest == "." and further.isalnum())
