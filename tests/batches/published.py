# SPDX-License-Identifier: Apache-2.0
"""Read what a batch published, and change what it stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.tasks import StateStore


def lines(path: str) -> dict[str, dict[str, Any]]:
    """Return the lines of a manifest by their item ids.

    :param path: its ``file://`` URL.
    """
    text = Path(path.removeprefix("file://")).read_text(encoding="utf-8")
    return {line["item_id"]: line for line in map(json.loads, text.splitlines())}


@contextmanager
def edited(store: StateStore) -> Iterator[dict[str, Any]]:
    """Change entries as a person does."""
    part = store.get("videoai_batch_0")
    yield part["items"]
    store.set("videoai_batch_0", part, retention=True)
