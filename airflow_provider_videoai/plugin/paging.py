# SPDX-License-Identifier: Apache-2.0
"""What the list of tasks and that of a batch's items have in common: filters, an order, counts by state, and pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from airflow_provider_videoai.plugin.wording import unsigned

__all__ = ["PAGE", "Wanted", "page_of"]

PAGE = 50
"""Rows on a page."""

State = TypeVar("State", bound=StrEnum)
Order = TypeVar("Order", bound=StrEnum)
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted(Generic[State, Order]):
    """What a user wants to see of a list. ``None`` and the empty text let every row pass."""

    sort: Order
    state: State | None = None
    search: str = ""
    page: int = 1
    """Counted from 1; the last one stands for any that is beyond it."""
    limit: int = PAGE

    @property
    def words(self) -> str:
        """What a row's text has to contain, in lower case as that is; a URL as it is shown, since so it is searched."""
        return unsigned(self.search).casefold().strip()


def page_of(
    matching: Sequence[Row],
    wanted: Wanted[State, Order],
    *,
    state_of: Callable[[Row], State],
    ordered: Callable[[list[Row], Order], list[Row]],
) -> dict[str, Any]:
    """Return a page of a list.

    :param matching: what passed all filters but that by state.
    :param wanted: in which state, in which order, and which page.
    :param state_of: returns a row's state.
    :param ordered: returns rows in an order.
    :returns: ``rows``, those of the ``page`` of ``pages`` with at most ``limit`` each; ``total``, how many match;
        ``states``, how many are in each state if the filter by state is left out.
    """
    states = Counter(state_of(each).value for each in matching)
    rows = ordered([each for each in matching if wanted.state in (None, state_of(each))], wanted.sort)
    pages = max(1, -(-len(rows) // wanted.limit))
    page = min(wanted.page, pages)
    return {
        "rows": rows[(page - 1) * wanted.limit : page * wanted.limit],
        "page": page,
        "pages": pages,
        "limit": wanted.limit,
        "total": len(rows),
        "states": states,
    }
