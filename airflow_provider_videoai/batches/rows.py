# SPDX-License-Identifier: Apache-2.0
"""Read the rows of a batch from whatever Airflow rendered: a list, the outputs of a mapped task, text, or a file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airflow.sdk import ObjectStoragePath

from airflow_provider_videoai.batches.row_files import ARGUMENT, SUFFIXES, Row, rows_of_file, suffix_of
from airflow_provider_videoai.files.locations import check_name
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.values.field_values import is_empty, unquoted
from airflow_provider_videoai.jobs.values.given_value import as_given

__all__ = ["MAX_ITEMS", "rows_of"]

MAX_ITEMS = 100_000
"""Requests of one task. All of them are validated and held in memory before the first is submitted: some 10 s and a few
hundred MB for so many."""
# Characters of a list that a template rendered. Python's own notation is read by way of a syntax tree, which takes a
# hundred times the memory of its text; what is longer belongs into a file.
_LONGEST_TEXT = 8 * 1024**2
# PATH_MAX of Linux; a key of S3 has at most 1,024 bytes.
_LONGEST_PATH = 4096
_FORMS = (
    f"a list of requests, or the path or store URL of a file that ends in {', '.join(SUFFIXES)} (or one of them + .gz)"
)


def rows_of(given: Any, names: Mapping[str, str]) -> Iterator[Row]:
    """Yield the rows, as they are read.

    An error of the iteration itself, as of Airflow's API behind a lazy sequence of XComs, passes unchanged.

    :param given: a list or another iterable of mappings, the text of a list, or the path or URL of a file.
    :param names: every name that a column of a CSV file may have -> the field that it means.
    :raises InvalidRequest: if it is none of these, holds no row, or more than :data:`MAX_ITEMS`.
    :raises StorageFailed: if a file's store failed.
    """
    count = 0
    for row in _rows(given, names):
        count += 1
        if count > MAX_ITEMS:
            raise InvalidRequest(f"{ARGUMENT}: must hold at most {MAX_ITEMS:,}: divide them among several tasks")
        yield row
    if not count:
        raise InvalidRequest(f"{ARGUMENT}: must hold at least one")


def _rows(given: Any, names: Mapping[str, str]) -> Iterator[Row]:
    if isinstance(given, str):
        given = _read(given)
    if isinstance(given, str | os.PathLike | ObjectStoragePath):
        return rows_of_file(given, names)
    if given is None:
        raise InvalidRequest(f"{ARGUMENT}: came empty: check the template, or the XCom key, that it comes from")
    if isinstance(given, Mapping):
        raise InvalidRequest(f"{ARGUMENT}: must be a list of requests, and is a single one: write [{{...}}]")
    if isinstance(given, bytes | bytearray | memoryview) or not isinstance(given, Iterable):
        raise InvalidRequest(f"{ARGUMENT}: must be {_FORMS}, not {as_given(given)}")
    # A member that was rendered by itself is text.
    return (Row(number, unquoted(row) if isinstance(row, str) else row) for number, row in enumerate(given, 1))


def _read(text: str) -> Any:
    """Return the list that a text is, or the text if it may be the path of a file."""
    if is_empty(text := text.strip()):
        raise InvalidRequest(f"{ARGUMENT}: came empty: check the template, or the XCom key, that it comes from")
    if text[0] in "[{":
        if len(text) > _LONGEST_TEXT:
            raise InvalidRequest(
                f"{ARGUMENT}: is text of {len(text):,} characters, and may have {_LONGEST_TEXT:,}: write the list to a "
                "file in object storage, and give its URL"
            )
        if isinstance(value := unquoted(text), str):
            raise InvalidRequest(f"{ARGUMENT}: begins like a list, and is neither JSON nor a list as Python writes it")
        return value
    if len(text) > _LONGEST_PATH or suffix_of(check_name(ARGUMENT, text)) is None:
        raise InvalidRequest(f"{ARGUMENT}: must be {_FORMS}, not {as_given(text)}")
    return text
