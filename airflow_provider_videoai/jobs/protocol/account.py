# SPDX-License-Identifier: Apache-2.0
"""A vendor plus one Airflow connection: whose keys are used, and what the user says of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow_provider_videoai.jobs.protocol.options import ConnectionOptions

__all__ = ["Account"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A vendor plus one Airflow connection.

    ``host`` is a full base URL; ``options`` is what the connection's extra says, of the vendor's own model.
    """

    conn_id: str
    host: str
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    options: ConnectionOptions = field(default_factory=ConnectionOptions, hash=False)
