# SPDX-License-Identifier: Apache-2.0
"""The outlets of a transfer: an implicit asset of its destination, and the asset events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from airflow.sdk import Asset, AssetAlias, BaseOperator

from airflow_provider_videoai.files.locations import asset_uri, redacted_path
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.values.printable import printable
from airflow_provider_videoai.transfers.destination import is_literal

__all__ = ["add_outlet", "check_outlets", "log_no_asset", "report_outlets"]

_MAPPED = (
    "the destination of a mapped task is known only when it runs, and Airflow knows assets from the DAG file. With "
    ".partial(outlets=[AssetAlias(...)]) the alias gets an asset per file"
)


def add_outlet(task: BaseOperator, arguments: dict[str, Any], destination: Any) -> str | None:
    """Add the destination as an outlet to the arguments of a task without outlets, if it is the same at each run.

    :param task: the operator that is being made.
    :param arguments: those for its base class.
    :param destination: where it writes.
    :returns: why there is no asset for it; ``None`` if there is one, or none is needed. It does not raise: the user did
        not request this outlet, so it must not break the DAG.
    """
    if not is_literal(destination):
        return None
    # Airflow's own mark of an operator that is made in the running task, for one map index, whose arguments have empty
    # outlets if the user gave none. Events of assets that the DAG file did not have are dropped.
    if getattr(task, "_BaseOperator__from_mapped", False):
        return None if arguments.get("outlets") else _MAPPED
    if "outlets" in arguments:
        return None
    try:
        arguments["outlets"] = [Asset(uri=asset_uri(destination.format()))]
    except ValueError as refused:
        return f"Airflow accepts no asset for this destination ({refused})"
    return None


def check_outlets(outlets: Iterable[Any], paths: Iterable[str]) -> None:
    """Raise ``InvalidRequest``, before anything is copied, if an alias cannot get an asset for a path.

    :param outlets: the task's.
    :param paths: where files are to be written.
    :raises InvalidRequest: naming the alias and the path.
    """
    if not any(isinstance(outlet, AssetAlias) for outlet in outlets):
        return
    for path in paths:
        try:
            Asset(uri=asset_uri(path))
        except ValueError as refused:
            raise InvalidRequest(
                f"outlets: Airflow accepts no asset for {redacted_path(path)} ({refused}), so an AssetAlias gets no "
                "event: use an Asset with a name of its own"
            ) from refused


def log_no_asset(log: Log, reason: str | None) -> None:
    """Log why a task emits no asset event, if :func:`add_outlet` returned a reason.

    :param log: the task's.
    :param reason: what :func:`add_outlet` returned.
    """
    if reason:
        log.info("No asset event is emitted: %s", printable(reason))


def report_outlets(outlets: Iterable[Any], events: Any, kept: Sequence[dict[str, Any]], plural: str | None) -> None:
    """Set the extra of each outlet's event to what was stored; an alias gets an event per file.

    :param events: Airflow's ``outlet_events``.
    :param plural: the key of the list of files in the extra; ``None`` if a single result was given, which is the extra.
    """
    for outlet in outlets:
        if isinstance(outlet, AssetAlias):
            for each in kept:
                events[outlet].add(Asset(uri=asset_uri(each["path"])), extra=each)
        else:
            events[outlet].extra = {plural: kept} if plural else kept[0]
