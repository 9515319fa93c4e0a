# SPDX-License-Identifier: Apache-2.0
"""Video AI jobs as ordinary Airflow tasks: one shape for five vendors, paid for once, cheap to wait for."""

from __future__ import annotations

from typing import Any

__all__ = ["__version__", "get_provider_info"]

__version__ = "1.0.0rc1"


def get_provider_info() -> dict[str, Any]:
    """Describe this provider to Airflow (entry point ``apache_airflow_provider``)."""
    from airflow_provider_videoai.provider_info import provider_info  # noqa: PLC0415 - this module is imported by every reader of the version

    return provider_info()
