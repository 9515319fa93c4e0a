# SPDX-License-Identifier: Apache-2.0
"""What was submitted, charged, polled and refused. Nothing secret is in it."""

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


# Results, uploads and storage of the user are at pre-signed URLs, and anybody who has the ledger could fetch them.
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
    """The ledger. Entries are plain dicts, oldest first; ``at`` is epoch seconds."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Empty the ledger."""
        self.submissions: list[Entry] = []
        self.charges: list[Entry] = []
        self.polls: list[Entry] = []
        self.lookups: list[Entry] = []
        self.refused: list[Entry] = []
        self._recent: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._over: defaultdict[str, int] = defaultdict(int)

    def submission(self, vendor: str, operation: str, request: dict[str, Any]) -> Entry:
        """Add a submission; it counts as refused and without a response until the caller changes that.

        :param request: the fields that the vendor accepted; filled in as they are read.
        :returns: the entry, for the caller to complete.
        """
        entry: Entry = {
            "vendor": vendor,
            "operation": operation,
            "job_id": None,
            "at": _now(),
            "request": request,
            # Refused until proven accepted: a handler that fails in the middle must not leave a submission that looks
            # paid for.
            "outcome": "refused",
            "charged": False,
            "code": None,
            "answered": False,
            "fault": None,
        }
        self.submissions.append(entry)
        return entry

    def charge(self, vendor: str, job_id: str) -> None:
        """Record that money was taken for a job.

        :param job_id: as the vendor's response named it.
        """
        self.charges.append({"vendor": vendor, "job_id": job_id, "at": _now()})

    def poll(self, vendor: str, operation: str, *, lookup: bool = False) -> Entry:
        """Add a status request.

        :param lookup: another call that buys nothing, such as a list of voices.
        :returns: the entry, for the caller to complete.
        """
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
        """Record a call that was refused.

        :param reason: for the person who reads the ledger.
        :param code: the vendor's, or the HTTP status of an injected fault.
        """
        self.refused.append({"vendor": vendor, "path": path, "at": _now(), "reason": reason, "code": code})

    def count_call(self, vendor: str, api: str) -> None:
        """Count a call against the recommended rate; exceeding it refuses nothing.

        The rate is 30 calls in five minutes per API: CDNetworks, "Cloud VoD new API overview".

        :param api: the path of the call.
        """
        now = time.monotonic()
        recent = self._recent[vendor, api]
        while recent and now - recent[0] > RECOMMENDED_WINDOW:
            recent.popleft()
        # Counted, never refused: the document recommends the rate and names no error code for exceeding it.
        recent.append(now)
        self._over[vendor] += len(recent) > RECOMMENDED_CALLS

    def describe(self, vendor: str | None = None) -> dict[str, Any]:
        """Return all entries and totals, redacted.

        :param vendor: one vendor's only; ``None``: those of all.
        """
        lists = {
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
            key: {name: sum(entry["vendor"] == key for entry in entries) for name, entries in lists.items()}
            | {"over_recommended_rate": self._over[key]}
            for key in ([vendor] if vendor else CREDENTIALS)
        }
        return {**lists, "totals": totals}
