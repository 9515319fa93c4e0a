# SPDX-License-Identifier: Apache-2.0
"""The assets that a task has as outlets, and what they report was put there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from airflow.sdk import Asset, AssetAlias

from airflow_provider_videoai.files.locations import asset_uri, shown
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.values.printable import printable
from airflow_provider_videoai.transfers.destination import is_literal

__all__ = ["add_outlet", "check_outlets", "log_no_asset", "report_outlets"]


def add_outlet(arguments: dict[str, Any], destination: Any) -> str | None:
    """Make a path that is the same at each run the outlet of a task that has none among its arguments.

    Returns why there is no asset for it, ``None`` if there is one or none is due: an implicit outlet must
    not cost the DAG.
    """
    if "outlets" in arguments or not is_literal(destination):
        return None
    try:
        arguments["outlets"] = [Asset(uri=asset_uri(destination.format()))]
    except ValueError as refused:
        return str(refused)
    return None


def check_outlets(outlets: Iterable[Any], paths: Iterable[str]) -> None:
    """Raise ``InvalidRequest``, before anything is copied, if an alias cannot get an asset for a path."""
    if not any(isinstance(outlet, AssetAlias) for outlet in outlets):
        return
    for path in paths:
        try:
            Asset(uri=asset_uri(path))
        except ValueError as refused:
            raise InvalidRequest(
                f"outlets: Airflow takes no asset for {shown(path)} ({refused}), so an AssetAlias gets no event: "
                "use an Asset with a name of its own"
            ) from refused


def log_no_asset(log: Log, reason: str | None) -> None:
    """Say why a task emits no asset event, if :func:`add_outlet` gave a reason."""
    if reason:
        log.warning("No asset event is emitted: Airflow takes no asset for this destination (%s)", printable(reason))


def report_outlets(outlets: Iterable[Any], events: Any, kept: Sequence[dict[str, Any]], plural: str | None) -> None:
    """Give each outlet what was kept as its event's extra; an alias gets an event for each file.

    ``plural`` is the name under which an asset gets a list of them; ``None`` where there is one, which is the extra.
    """
    for outlet in outlets:
        if isinstance(outlet, AssetAlias):
            for each in kept:
                events[outlet].add(Asset(uri=asset_uri(each["path"])), extra=each)
        else:
            events[outlet].extra = {plural: kept} if plural else kept[0]
