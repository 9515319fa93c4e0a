# SPDX-License-Identifier: Apache-2.0
"""The books: what was submitted, what was charged, what was queried, what was refused. Nothing secret is in them."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from typing import Any

from airflow_provider_videoai.sandbox.credentials import CREDENTIALS

RECOMMENDED_CALLS = 30
RECOMMENDED_WINDOW = 300.0

Entry = dict[str, Any]


def _now() -> float:
    return round(time.time(), 3)


def _redacted(value: Any) -> Any:
    """Cut the query off every URL: where it signs something, it is a secret."""
    if isinstance(value, dict):
        return {name: _redacted(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted(inner) for inner in value]
    if isinstance(value, str) and value.startswith(("http://", "https://")):
        address, mark, _ = value.partition("?")
        return address + ("?..." if mark else "")
    return value


class Ledger:
    """Entries are plain dicts, oldest first; ``at`` is epoch seconds."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Empty the books."""
        self.submissions: list[Entry] = []
        self.charges: list[Entry] = []
        self.polls: list[Entry] = []
        self.lookups: list[Entry] = []
        self.refused: list[Entry] = []
        self._recent: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._over: defaultdict[str, int] = defaultdict(int)

    def submission(self, vendor: str, operation: str, request: dict[str, Any]) -> Entry:
        """Open the entry of a submission; it counts as refused and unanswered until its outcome is entered."""
        entry: Entry = {
            "vendor": vendor,
            "operation": operation,
            "job_id": None,
            "at": _now(),
            "request": request,
            "outcome": "refused",
            "charged": False,
            "code": None,
            "answered": False,
            "fault": None,
        }
        self.submissions.append(entry)
        return entry

    def charge(self, vendor: str, job_id: str) -> None:
        """Enter that money was taken for a job."""
        self.charges.append({"vendor": vendor, "job_id": job_id, "at": _now()})

    def poll(self, vendor: str, operation: str, *, lookup: bool = False) -> Entry:
        """Open the entry of a status call, or (``lookup``) of another call that buys nothing."""
        entry: Entry = {
            "vendor": vendor,
            "operation": operation,
            "job_ids": [],
            "at": _now(),
            "code": None,
            "answered": False,
            "fault": None,
        }
        (self.lookups if lookup else self.polls).append(entry)
        return entry

    def refuse(self, vendor: str, path: str, reason: str, code: int | str | None) -> None:
        """Enter a call that was refused, and why."""
        self.refused.append({"vendor": vendor, "path": path, "at": _now(), "reason": reason, "code": code})

    def count_call(self, vendor: str, api: str) -> None:
        """Count a call against the recommended rate of 30 in five minutes an API; going over refuses nothing."""
        now = time.monotonic()
        recent = self._recent[vendor, api]
        while recent and now - recent[0] > RECOMMENDED_WINDOW:
            recent.popleft()
        recent.append(now)
        self._over[vendor] += len(recent) > RECOMMENDED_CALLS

    def describe(self, vendor: str | None = None) -> dict[str, Any]:
        """All entries and totals, of one vendor or of all."""
        books = {
            name: [_redacted(entry) for entry in entries if vendor in (None, entry["vendor"])]
            for name, entries in (
                ("submissions", self.submissions),
                ("charges", self.charges),
                ("polls", self.polls),
                ("lookups", self.lookups),
                ("refused", self.refused),
            )
        }
        totals = {
            key: {name: sum(entry["vendor"] == key for entry in entries) for name, entries in books.items()}
            | {"over_recommended_rate": self._over[key]}
            for key in ([vendor] if vendor else CREDENTIALS)
        }
        return {**books, "totals": totals}
