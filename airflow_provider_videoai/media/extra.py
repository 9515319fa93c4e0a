# SPDX-License-Identifier: Apache-2.0
"""The libraries of the extra ``media``: imported when one is needed; without it the error says how to install it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from airflow_provider_videoai.jobs.errors import InvalidRequest

__all__ = ["import_optional"]


def import_optional(name: str, purpose: str) -> Any:
    """Load a library of the extra; raise :class:`InvalidRequest`, with what it is wanted for, where it is missing."""
    try:
        return import_module(name)
    except ModuleNotFoundError as missing:
        raise InvalidRequest(f"{purpose}, pip install 'airflow-provider-videoai[media]'") from missing
