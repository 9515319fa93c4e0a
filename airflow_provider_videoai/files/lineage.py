# SPDX-License-Identifier: Apache-2.0
"""Report the inputs and outputs of jobs, uploads and transfers to Airflow's hook lineage, for OpenLineage."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_videoai.files.locations import store_url
from airflow_provider_videoai.jobs.unexpected_errors import named
from airflow_provider_videoai.jobs.values.printable import shortened
from airflow_provider_videoai.jobs.values.url_secrets import without_secrets

__all__ = ["report_lineage"]

log = logging.getLogger(__name__)

_LONGEST = 1500
"""In characters: Airflow refuses longer URIs (the column ``asset.uri``)."""


def report_lineage(by: Any, *, inputs: Iterable[str | None] = (), outputs: Iterable[str | None] = ()) -> None:
    """Report URLs that were read and written, without their secrets (login, query, fragment, connection).

    Values that are not URLs (a vendor's id, a text) are skipped. What Airflow refuses is logged: it fails no task.

    :param by: the hook or file location that read or wrote them.
    """
    # Imported here: DAG parsing is a hot path, and reports no lineage.
    from airflow.providers.common.compat.lineage.hook import get_hook_lineage_collector

    collector = get_hook_lineage_collector()  # type: ignore[no-untyped-call,unused-ignore]
    for add, urls in ((collector.add_input_asset, inputs), (collector.add_output_asset, outputs)):
        for url in filter(None, map(_public, urls)):
            try:
                add(by, uri=url)
            except Exception as failure:  # noqa: BLE001 - of a job that is paid for; each scheme has rules of its own
                log.warning("Lineage of %s is not reported: %s", shortened(url), named(failure))


def _public(value: str | None) -> str | None:
    """Return the URI of a file in a store, or a URL without login, query and fragment.

    ``None`` for anything else, and for a URI longer than Airflow accepts.
    """
    file = store_url(value or "")
    uri = None if file is None else _public_url(value or "") if file.is_web else file.uri
    # Skipped rather than cut: a shortened URI would name another file.
    return uri if uri and len(uri) <= _LONGEST else None


def _public_url(url: str) -> str | None:
    public = without_secrets(url)
    try:
        host = urlsplit(public).netloc
    except ValueError:
        return None
    return public if host and " " not in url else None
