# SPDX-License-Identifier: Apache-2.0
"""A vendor plus one Airflow connection: its credentials and its options."""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow_provider_videoai.jobs.protocol.options import ConnectionOptions

__all__ = ["Account"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A vendor plus one Airflow connection.

    :param conn_id: the connection's id.
    :param host: a full base URL.
    :param login: as the vendor names it, such as an access key; secret.
    :param password: such as a secret key or a token; secret.
    :param options: the connection's extra, of the vendor's own model.
    """

    conn_id: str
    host: str
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    options: ConnectionOptions = field(default_factory=ConnectionOptions, hash=False)
