# SPDX-License-Identifier: Apache-2.0
"""Show a value that a user gave, for an error text: on one line, shortened, and without what opens anything."""

from __future__ import annotations

import reprlib

from airflow_provider_videoai.jobs.values.printable import printable
from airflow_provider_videoai.jobs.values.url_secrets import without_secrets

__all__ = ["as_given"]

_LONGEST = 80


def as_given(value: object) -> str:
    """Return a value as Python writes it, for an error text.

    :param value: what a user gave.
    :returns: one printable line; each text in it has at most some 80 characters, URLs lose their user and query.
    """
    return _short.repr(value)


class _Short(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxlist, self.maxtuple, self.maxdict = 3, 6, 6, 3

    def repr_str(self, x: str, level: int) -> str:  # noqa: ARG002 - reprlib passes it
        # Cut before the search for secrets, since a text may have megabytes, and again behind it: what a signed URL
        # loses does not count.
        text = without_secrets(x[:2000], "?...")
        text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
        return f"'{printable(text)}'"

    def repr_int(self, x: int, level: int) -> str:  # noqa: ARG002 - reprlib passes it
        # Python refuses to write out one of more than 4,300 digits.
        return repr(x) if x.bit_length() < 200 else f"an integer of {x.bit_length()} bits"  # noqa: PLR2004

    def repr_instance(self, x: object, level: int) -> str:  # noqa: ARG002 - reprlib passes it
        """Of anything else only its type: what it says of itself is not ours to trust or to show."""
        if x is None or isinstance(x, bool | float | complex):
            return repr(x)
        return f"a {type(x).__name__}"


_short = _Short()
