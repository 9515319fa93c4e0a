# SPDX-License-Identifier: Apache-2.0
"""The check that ``HttpEventTrigger`` takes by its path; alone in its module, which is reloaded at each poll."""

from __future__ import annotations

from typing import Any


async def done(response: Any) -> bool:
    """Return whether the job of a response has ended."""
    return bool(response.json()["done"])
