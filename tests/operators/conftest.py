# SPDX-License-Identifier: Apache-2.0
"""Files to upload, and a bucket that holds some."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.stores import s3_server, s3_store

__all__ = ["s3_server", "s3_store"]


@pytest.fixture
def sample(sandbox: Any, tmp_path: Path) -> Callable[..., Path]:
    """Save a sample of the sandbox's in a folder, under its own name or another one; returns its path."""

    def sample(name: str, saved_as: str | None = None) -> Path:
        path = tmp_path / (saved_as or name)
        path.write_bytes(httpx.get(f"{sandbox.url}/sample/{name}", trust_env=False, timeout=60).content)
        return path

    return sample
