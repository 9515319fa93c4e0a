# SPDX-License-Identifier: Apache-2.0
"""A vendor plus one Airflow connection: whose keys are used, and what the user says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TOLERANCE = 15 * 60.0
"""Seconds for which failed asks are ridden out before giving up on the vendor, unless the account says otherwise."""

DEFAULT_TIMEOUT = 30.0
"""Seconds that a request may take; no vendor asks for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A vendor plus one Airflow connection.

    ``host`` is a full base URL, ``timeout`` seconds a request, ``outage_tolerance`` the seconds for which failed asks
    are ridden out. ``allow_private_addresses`` lets results be fetched from within the user's network.
    """

    conn_id: str
    host: str
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    max_requests_per_minute: float | None = None
    timeout: float = DEFAULT_TIMEOUT
    outage_tolerance: float = TOLERANCE
    allow_private_addresses: bool = False
