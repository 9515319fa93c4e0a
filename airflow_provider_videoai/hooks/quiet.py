# SPDX-License-Identifier: Apache-2.0
"""Keep signatures out of the log: some vendors' travel in the URL, and httpx writes the URL of every request."""

from __future__ import annotations

import logging
from typing import Any

import httpx
from typing_extensions import override

_hosts: set[str] = set()


class _WithoutQueries(logging.Filter):
    """Cuts the query off URLs of the vendors' hosts; whoever else uses httpx keeps its lines as they are."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(map(_without_query, record.args))
        return True


def _without_query(argument: Any) -> Any:
    if isinstance(argument, httpx.URL) and argument.host in _hosts:
        return argument.copy_with(query=None)
    return argument


def log_without_queries(address: str) -> None:
    """Have httpx log requests to this base URL without their queries, from now on."""
    try:
        _hosts.add(httpx.URL(address).host)
    except httpx.InvalidURL:
        return  # no request will be made to it
    # Adding the same filter twice adds it once.
    logging.getLogger("httpx").addFilter(_FILTER)


_FILTER = _WithoutQueries()
