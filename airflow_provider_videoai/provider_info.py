# SPDX-License-Identifier: Apache-2.0
"""This provider as Airflow sees it. Airflow reads it in every process: nothing heavy may be imported here."""

from __future__ import annotations

from typing import Any

from airflow_provider_videoai.registry import VENDORS, connection_type, hook_path, module_of

__all__ = ["provider_info"]

_PACKAGE = __name__.rpartition(".")[0]
_NAME = "Video AI"
_LOGO = "/docs/integration-logos/video-ai.svg"
_GUIDES = ("reference/operators.md", "reference/batches.md", "explanation/waiting.md", "explanation/paid-once.md")


def provider_info() -> dict[str, Any]:
    """Make the provider info: all of it new, for Airflow and other callers change what they are given.

    It has no ``plugins``, which Airflow loads beside the entry point ``airflow.plugins`` if ``[core]
    lazy_discover_providers`` is off, and not at all if it is on: the entry point alone is loaded once in both.
    """
    return {
        "package-name": "airflow-provider-videoai",
        "name": _NAME,
        "description": f"Video AI jobs as ordinary Airflow tasks: {', '.join(map(_title, VENDORS))}.",
        "integrations": [_own_integration(), *map(_integration, VENDORS)],
        "operators": [*(_modules("operators", vendor) for vendor in VENDORS), _own_modules("operators.batch")],
        "sensors": [_modules("sensors", vendor) for vendor in VENDORS],
        "hooks": [_modules("hooks", vendor) for vendor in VENDORS],
        "transfers": [
            *(_transfer(_title(vendor), "media", "reference/storage.md") for vendor in VENDORS),
            _transfer(_NAME, "subtitles", "reference/subtitles.md"),
        ],
        "triggers": [_own_modules("triggers.job", "triggers.batch")],
        "retry-policies": [_own_modules("policies.retry")],
        "task-decorators": [
            {"name": "video_batch", "class-name": f"{_PACKAGE}.decorators.batch.video_batch_task"},
        ],
        "extra-links": [f"{_PACKAGE}.links.VideoJobLink", f"{_PACKAGE}.links.VideoResultLink"],
        "config": _config(),
        "connection-types": [_connection(vendor) for vendor in VENDORS],
    }


def _title(vendor: str) -> str:
    return connection_type(vendor).title


def _own_integration() -> dict[str, Any]:
    return {
        "integration-name": _NAME,
        "how-to-guide": [f"/docs/{page}" for page in _GUIDES],
        "logo": _LOGO,
        "tags": ["ai", "service"],
    }


def _integration(vendor: str) -> dict[str, Any]:
    return {
        "integration-name": _title(vendor),
        "external-doc-url": connection_type(vendor).website,
        "how-to-guide": ["/docs/reference/operators.md"],
        "tags": ["ai", "service"],
    }


def _modules(layer: str, vendor: str) -> dict[str, Any]:
    return {"integration-name": _title(vendor), "python-modules": [module_of(layer, vendor)]}


def _own_modules(*modules: str) -> dict[str, Any]:
    return {"integration-name": _NAME, "python-modules": [f"{_PACKAGE}.{module}" for module in modules]}


def _transfer(source: str, module: str, guide: str) -> dict[str, Any]:
    return {
        "source-integration-name": source,
        "target-integration-name": "Common IO",
        "python-module": f"{_PACKAGE}.transfers.{module}",
        "how-to-guide": f"/docs/{guide}",
    }


def _connection(vendor: str) -> dict[str, Any]:
    connection = connection_type(vendor)
    return {
        "connection-type": vendor,
        "hook-class-name": hook_path(vendor),
        "hook-name": connection.title,
        "ui-field-behaviour": connection.ui_field_behaviour(),
        "conn-fields": connection.conn_fields(),
    }


def _config() -> dict[str, Any]:
    return {
        "videoai": {
            "description": "Video AI jobs.",
            "options": {
                "ui": _flag('Show the "Video jobs" page, and the links "Job" and "Result" that lead to it.\n', "True"),
                "ledger_conn_id": {
                    "description": (
                        "Connection to a PostgreSQL or MySQL database in which all processes of this deployment share\n"
                        "their accounts' rate limits. Give it a database, or a schema, of its own. Without it a\n"
                        "SQLite file below AIRFLOW_HOME is shared by the processes of each machine.\n"
                    ),
                    "version_added": "1.0.0",
                    "type": "string",
                    "example": "videoai_ledger",
                    "default": "",
                },
                "freeze_triggerer": _flag(
                    "Leave out of Python's garbage collections what the triggerer holds when it begins to wait for its"
                    "\nfirst video job (gc.freeze). With thousands of triggers its event loop stalls for about half as "
                    "long.\nReference cycles among what is left out are never freed.\n",
                    "False",
                ),
            },
        },
    }


def _flag(description: str, default: str) -> dict[str, Any]:
    return {
        "description": description,
        "version_added": "1.0.0",
        "type": "boolean",
        "example": None,
        "default": default,
    }
