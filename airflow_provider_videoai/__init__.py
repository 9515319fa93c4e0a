# SPDX-License-Identifier: Apache-2.0
"""Video AI jobs as ordinary Airflow tasks: one shape for five vendors, paid for once, cheap to wait for."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"


def get_provider_info() -> dict[str, Any]:
    """Describe this provider to Airflow (entry point ``apache_airflow_provider``)."""
    from airflow_provider_videoai.provider_info import PROVIDER_INFO  # noqa: PLC0415 - this module is imported by every reader of the version

    return PROVIDER_INFO
