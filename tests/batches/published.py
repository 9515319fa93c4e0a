# SPDX-License-Identifier: Apache-2.0
"""Read what a batch published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def lines(path: str) -> dict[str, dict[str, Any]]:
    """Return the lines of a manifest by their item ids.

    :param path: its ``file://`` URL.
    """
    text = Path(path.removeprefix("file://")).read_text(encoding="utf-8")
    return {line["item_id"]: line for line in map(json.loads, text.splitlines())}
