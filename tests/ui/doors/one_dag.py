# SPDX-License-Identifier: Apache-2.0
"""An auth manager whose users may read one DAG: the simple one knows only roles."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager


class OneDagAuthManager(SimpleAuthManager):
    def is_authorized_dag(self, *, details: Any = None, **request: Any) -> bool:
        other = details is not None and details.id not in (None, "tencent_narrator")
        return not other and super().is_authorized_dag(details=details, **request)
