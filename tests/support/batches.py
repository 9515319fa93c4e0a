# SPDX-License-Identifier: Apache-2.0
"""What a batch stores of itself, as the page finds it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

AT = 1_778_486_400.0
REFERENCE: dict[str, Any] = {
    "vendor": "viitor",
    "operation": "text_removal",
    "polled_as": "text_removal",
    "conn_id": "no_such_connection",
    "max_in_flight": 100,
    "manifest": "s3://b/all.jsonl",
}
COUNTS: dict[str, Any] = {
    "items": 10,
    "queued": 4,
    "running": 3,
    "succeeded": 1,
    "failed": 1,
    "skipped": 1,
    "at": AT,
}


def submitted(job_id: str) -> dict[str, Any]:
    """Return the entry of an item whose job is in flight."""
    return {"submission": {"version": 1, "phase": "submitted", "job_id": job_id, "submitted_at": AT}}


def ended(state: str, job_id: str, **end: Any) -> dict[str, Any]:
    """Return the entry of an item that ended."""
    given = {"state": state, "fingerprint": "f", "attempt": 1, "at": AT + 60, "job_id": job_id} | end
    return {"end": given}


def line(item_id: str, state: str, job_id: str | None, url: str | None = None) -> dict[str, Any]:
    """Return a line of a manifest."""
    request = {"url": f"https://media.example/in/{item_id}.mp4", "task_name": item_id, "full_erase_roi": [[0, 0, 9, 9]]}
    outputs = [] if url is None else [{"kind": "video", "url": url, "media_id": None, "label": None}]
    return {"item_id": item_id, "request": request, "state": state, "job_id": job_id, "outputs": outputs}


def written(file: Path, *lines: dict[str, Any]) -> None:
    """Write a manifest."""
    file.write_text("".join(json.dumps(each) + "\n" for each in lines))
