# SPDX-License-Identifier: Apache-2.0
"""One account whose jobs in flight are limited, and a ledger that may be taken away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.jobs.ledger.account_key import account_key
from airflow_provider_videoai.jobs.ledger.ledger import Ledger
from airflow_provider_videoai.jobs.ledger.reserved import LedgerError
from tests.jobs.polling.lab import ScriptedTransport


class Book(Ledger):
    """A ledger in a file, which counts its calls, and fails while it is away."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"sqlite:///{path}")
        self.away = False
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def _note(self, name: str, *args: Any, **more: Any) -> None:
        self.calls.append((name, args, more))
        if self.away:
            raise LedgerError("it is away")

    def lease(self, *args: Any, **more: Any) -> set[str]:
        self._note("lease", *args, **more)
        return super().lease(*args, **more)

    def submitted(self, *args: Any) -> None:
        self._note("submitted", *args)
        super().submitted(*args)

    def keep_leases(self, *args: Any, **more: Any) -> None:
        self._note("keep", *args, **more)
        super().keep_leases(*args, **more)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "ledger.db")


@pytest.fixture
def limited(book: Book, open_lab: Callable[..., Any]) -> Callable[..., ScriptedTransport]:
    """Make a transport of an account that may have so many jobs in flight."""

    def limited(limit: int | None = 1, script: Any = None) -> ScriptedTransport:
        transport = ScriptedTransport(open_lab(max_jobs_in_flight=limit), script or (lambda _: {}))
        transport.ledger = book
        return transport

    return limited


@pytest.fixture
def account(open_lab: Callable[..., Any]) -> str:
    vendor = open_lab()
    return account_key(vendor.key, vendor.account.host, vendor.account.login)
