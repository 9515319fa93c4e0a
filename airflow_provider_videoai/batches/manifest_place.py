# SPDX-License-Identifier: Apache-2.0
"""Refuse a manifest that would be written over something else: its own requests, or a mapped copy's manifest."""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import BaseOperator, ObjectStoragePath
from jinja2 import Environment, TemplateError, meta

from airflow_provider_videoai.batches.row_files import suffix_of
from airflow_provider_videoai.files.locations import FileLocation, redacted_path, store_url
from airflow_provider_videoai.jobs.errors import InvalidRequest

__all__ = ["check_manifest"]

_LISTS = ("[", "{")
_OF_THE_RUN = frozenset(
    [
        "conn",
        "dag",
        "dag_run",
        "data_interval_end",
        "data_interval_start",
        "ds",
        "ds_nodash",
        "logical_date",
        "run_id",
        "ts",
        "ts_nodash",
        "ts_nodash_with_tz",
        "var",
    ]
)
"""Variables of templates with the same value in all copies of a mapped task. Not ``params``: it may be mapped over."""


def check_manifest(operator: BaseOperator, task_instance: Any, manifest: Any, requests: Any) -> None:
    """Check the place of a manifest, before anything is bought.

    :param operator: of the running task.
    :param task_instance: Airflow's.
    :param manifest: its path, as it was rendered; ``None`` if there is none.
    :param requests: as they were rendered.
    :raises InvalidRequest: if the manifest is the file of the requests, or the same file for all copies of a mapped
        task.
    """
    if not isinstance(manifest, str):
        return
    if task_instance.map_index >= 0 and _is_same_for_all(operator):
        raise InvalidRequest(
            f"manifest: all copies of this mapped task would write {redacted_path(manifest)!r}, each without the lines "
            "of the others: put {{ ti.map_index }} into its name; nothing was sent, nothing was bought"
        )
    if _is_file_of(requests, manifest):
        raise InvalidRequest(
            f"manifest: {redacted_path(manifest)!r} is the file of the requests, which it would replace: give it "
            "another name; nothing was sent, nothing was bought"
        )


def _is_same_for_all(operator: BaseOperator) -> bool:
    """Whether the DAG file gave a mapped task one manifest, whose name differs in no copy."""
    dag = operator.get_dag()
    parsed = operator if dag is None else dag.task_dict.get(operator.task_id, operator)
    # An operator of a mapped task group is no mapped operator.
    given = getattr(parsed, "partial_kwargs", {"manifest": getattr(parsed, "manifest_as_given", None)})
    manifest = given.get("manifest")
    if not isinstance(manifest, str):
        return False
    try:
        return meta.find_undeclared_variables(Environment(autoescape=True).parse(manifest)) <= _OF_THE_RUN
    except TemplateError:  # it needs an extension of the DAG's
        return False


def _is_file_of(requests: Any, manifest: str) -> bool:
    if isinstance(requests, str) and requests.lstrip().startswith(_LISTS):
        return False
    if not isinstance(requests, str | os.PathLike | ObjectStoragePath) or suffix_of(str(requests).strip()) is None:
        return False
    given = requests.strip() if isinstance(requests, str) else requests
    return _place(FileLocation.find("requests", given)) == _place(FileLocation.find("manifest", manifest))


def _place(file: FileLocation) -> tuple[str, str]:
    # Two connections may lead to the same bucket, so the connection does not count.
    parts = store_url(file.url)
    scheme = "file" if parts is None or parts.scheme == "local" else parts.scheme
    return {"s3a": "s3", "gcs": "gs"}.get(scheme, scheme), file.path
