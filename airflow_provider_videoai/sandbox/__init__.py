# SPDX-License-Identifier: Apache-2.0
"""The five vendors, offline: strict servers that verify every signature and render real video.

Written from the vendors' documents alone: nothing here is shared with the client, so that a misreading cannot hide on
both sides. Needs the extra ``sandbox``.

``running_sandbox`` starts one within a test; ``python -m airflow_provider_videoai.sandbox`` runs one by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from airflow_provider_videoai.sandbox.credentials import CREDENTIALS, Credential, connections

# Declared for type checkers only: both names come from __getattr__ below.
if TYPE_CHECKING:
    from airflow_provider_videoai.sandbox.running import Sandbox

    running_sandbox: Callable[..., AbstractContextManager[Sandbox]]

__all__ = ["CREDENTIALS", "Credential", "Sandbox", "connections", "running_sandbox"]


def __getattr__(name: str) -> Any:
    """Import the server only when it is used: the credentials alone need no extra."""
    if name in ("Sandbox", "running_sandbox"):
        from airflow_provider_videoai.sandbox import running  # noqa: PLC0415 - see above

        return getattr(running, name)
    raise AttributeError(name)
