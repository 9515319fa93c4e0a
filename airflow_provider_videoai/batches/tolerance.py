# SPDX-License-Identifier: Apache-2.0
"""How many items of a batch may fail before its task does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.values.given_value import as_given

__all__ = ["Tolerance"]

# No exponent: Fraction("1e999999999") has a billion digits.
_SHARE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,20})?")
_COUNT = re.compile("[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """A number of items, or a share of all.

    :param items: how many may fail.
    :param share: which share may fail; the smaller part counts if it is no whole number of items.
    """

    items: int | None = None
    share: Fraction | None = None

    @classmethod
    def read(cls, given: Any) -> Self:
        """Read what a user wrote: ``0``, ``10``, ``"10"``, ``"5%"`` or ``"2.5 %"``.

        :raises InvalidRequest: for anything else.
        """
        text = str(given).strip() if type(given) in (int, str) else ""
        number = text.removesuffix("%").rstrip()
        if text.endswith("%") and _SHARE.fullmatch(number) and (share := Fraction(number) / 100) <= 1:
            return cls(share=share)
        if not text.endswith("%") and _COUNT.fullmatch(number):
            return cls(items=int(number))
        raise InvalidRequest(
            f'tolerate: must be a number of items, 0 or more, or a share such as "5%", not {as_given(given)}'
        )

    def allows(self, failed: int, items: int) -> bool:
        """Return whether the task may succeed.

        :param failed: how many items failed.
        :param items: how many there are.
        """
        if self.share is not None:
            return failed <= self.share * items
        return failed <= (self.items or 0)
