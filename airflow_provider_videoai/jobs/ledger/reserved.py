# SPDX-License-Identifier: Apache-2.0
"""What a ledger answers; without the database, which only those load who have one."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LedgerError", "Reserved"]


class LedgerError(Exception):
    """The ledger does not do what it is for at present. Its text holds no part of the database's address."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """What a process was given.

    :param places: spans in which one request each may leave, in seconds from the answer on.
    :param backoff: for how many seconds the account is to send nothing, because its vendor throttled some process.
    """

    places: tuple[tuple[float, float], ...]
    backoff: float
