# SPDX-License-Identifier: Apache-2.0
"""Jobs to wait for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def submitted(sandbox: Any) -> Callable[..., str]:
    """Submit a case's request through its hook; returns the job's id."""

    def submitted(case: Any, **changes: Any) -> str:
        job_id: str = case.hook(case.conn_id).submit(case.request(sandbox, **changes), case.operation)
        return job_id

    return submitted
