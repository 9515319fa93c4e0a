# SPDX-License-Identifier: Apache-2.0
"""Import the libraries of the extra ``media`` when they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from airflow_provider_videoai.jobs.errors import InvalidRequest

__all__ = ["import_optional"]


def import_optional(name: str, purpose: str) -> Any:
    """Import a library of the extra ``media``.

    :param name: of the module.
    :param purpose: begins the error message.
    :raises InvalidRequest: if it is not installed; the message says how to install it.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as missing:
        raise InvalidRequest(f"{purpose}, pip install 'airflow-provider-videoai[media]'") from missing
