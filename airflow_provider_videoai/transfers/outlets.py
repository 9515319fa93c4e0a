# SPDX-License-Identifier: Apache-2.0
"""Tell the assets that a task has as outlets what was put there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from airflow.sdk import Asset, AssetAlias

from airflow_provider_videoai.transfers.destination import asset_uri


def tell_outlets(outlets: Iterable[Any], events: Any, kept: Sequence[dict[str, Any]], plural: str | None) -> None:
    """Give each outlet what was kept as its event's extra; an alias gets an event for each file.

    ``plural`` is the name under which an asset gets a list of them; ``None`` where there is one, which is the extra.
    """
    for outlet in outlets:
        if isinstance(outlet, AssetAlias):
            for each in kept:
                events[outlet].add(Asset(uri=asset_uri(each["path"])), extra=each)
        else:
            events[outlet].extra = {plural: kept} if plural else kept[0]
