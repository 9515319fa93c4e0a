# SPDX-License-Identifier: Apache-2.0
"""Whose fault a refusal is: that of one item, which must hold up no other, or that of what refuses them all."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["LATER", "Fault", "Refusals"]

LATER = 32
"""So many items are submitted before one that was refused is submitted once more."""
_ALL = 16
"""After so many refusals in a row no item is to blame."""


class Fault(StrEnum):
    """Whose fault a refusal is."""

    UNKNOWN = "unknown"
    """Nobody knows yet: the item is to be tried once more, after others."""
    ITEM = "item"
    """The item's: it was refused twice, and others were not."""
    ALL = "all"
    """Not the item's: others would be refused as well."""


@dataclass(slots=True)
class Refusals:
    """The refusals of one kind on one worker, by a vendor or a store; several threads may note them."""

    _refused: set[str] = field(default_factory=set)
    _in_a_row: int = 0
    _passed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def passed(self) -> None:
        """Note that an item was not refused."""
        with self._lock:
            self._passed, self._in_a_row = True, 0

    @property
    def any_passed(self) -> bool:
        """Whether an item was not refused."""
        return self._passed

    def refused(self, item_id: str, *, others_passed: bool = False) -> Fault:
        """Note that an item was refused, and say whose fault it is.

        :param item_id: the item's.
        :param others_passed: whether it is known from elsewhere that others are not refused.
        """
        with self._lock:
            self._in_a_row += 1
            if self._in_a_row >= _ALL:
                return Fault.ALL
            if item_id not in self._refused:
                self._refused.add(item_id)
                return Fault.UNKNOWN
            return Fault.ITEM if self._passed or others_passed else Fault.ALL
