# SPDX-License-Identifier: Apache-2.0
"""Airflow connections that lead to the sandbox."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.sandbox import CREDENTIALS, connections
from airflow_provider_videoai.testing.apart import keep_apart

__all__ = ["SandboxConnections"]


class SandboxConnections:
    """The connections of a test: the default ids of all vendors, and those that it adds.

    While there are these no connection leads elsewhere: a hook refuses it, in a DAG run and outside of one.

    :param url: of the sandbox.
    :param ledger: a file that is not there yet, for rate limits and leases.
    :param environment: sets the variables, and restores them after the test.
    """

    def __init__(self, url: str, ledger: Path, environment: pytest.MonkeyPatch) -> None:
        keep_apart(url, ledger, environment)
        self._url = url
        self._environment = environment
        for name, value in connections(url).items():
            environment.setenv(name, value)

    def add(self, conn_id: str, vendor: str, **fields: Any) -> None:
        """Lead another connection id to the sandbox.

        :param conn_id: as the DAG names it.
        :param vendor: the vendor's key.
        :param fields: fields of the connection that differ, such as ``extra`` (a dict, added to the sandbox's own).
        :raises ValueError: for an unknown vendor.
        """
        made = connections(self._url)
        if (name := f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT") not in made:
            raise ValueError(f"vendor must be one of {', '.join(CREDENTIALS)}, not {vendor!r}")
        given = json.loads(made[name])
        fields["extra"] = given["extra"] | fields.get("extra", {})
        self._environment.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(given | fields))
