# SPDX-License-Identifier: Apache-2.0
"""Keep a test apart from the accounts, the secrets and the ledger that its environment is set up for."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.protocol.account import Account

__all__ = ["keep_apart"]

_LEDGER = "videoai_tests_ledger"


def keep_apart(url: str, ledger: Path, patch: pytest.MonkeyPatch) -> None:
    """Let no hook reach an account elsewhere, and no lookup a secrets backend or another ledger.

    :param url: of the sandbox.
    :param ledger: a file that is not there yet: what an earlier test left in flight is no matter to this one.
    :param patch: undoes it.
    """
    from airflow import configuration

    from airflow_provider_videoai.hooks import job as hooks
    from airflow_provider_videoai.hooks import ledger as ledgers
    from airflow_provider_videoai.hooks.account import account_of

    # A proxy of the environment cannot reach the sandbox, which is at a local address.
    direct = f"{os.environ.get('no_proxy') or os.environ.get('NO_PROXY') or ''},{urlsplit(url).hostname}"
    for name in ("no_proxy", "NO_PROXY"):
        patch.setenv(name, direct)
    # Connections come from the environment: a secrets backend's would be found first, and are not the sandbox's.
    for name in ("SECRETS__BACKEND", "WORKERS__SECRETS_BACKEND"):
        patch.setenv(f"AIRFLOW__{name}", "")
    # Airflow remembers the backends that it found before: for its server, and from 3.3 on for tasks.
    patch.setattr(configuration, "secrets_backend_list", configuration.initialize_secrets_backends())
    of_tasks = sys.modules.get("airflow.sdk.configuration")
    if hasattr(of_tasks, "_secrets_backend_cache"):
        patch.setattr(of_tasks, "_secrets_backend_cache", {})
    patch.setenv("AIRFLOW__VIDEOAI__LEDGER_CONN_ID", _LEDGER)
    patch.setenv(f"AIRFLOW_CONN_{_LEDGER.upper()}", json.dumps({"conn_type": "sqlite", "host": str(ledger)}))
    patch.setattr(ledgers, "_found", None)
    patch.setattr(hooks, "account_of", _only_at(url, account_of))


def _only_at(url: str, account_of: Callable[..., Account]) -> Callable[..., Account]:
    def at_the_sandbox(connection: Any, *others: Any) -> Account:
        account = account_of(connection, *others)
        if account.host != url:
            raise InvalidRequest(
                f"connection {account.conn_id!r}: host is {account.host}, and a test pays nobody: lead it to the "
                f"sandbox, with videoai_connections.add({account.conn_id!r}, vendor=...). Nothing was sent"
            )
        return account

    return at_the_sandbox
