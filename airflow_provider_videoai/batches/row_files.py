# SPDX-License-Identifier: Apache-2.0
"""Read the rows of a batch from a file in a store: JSON, one JSON object per line, or CSV (RFC 4180); UTF-8."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple, cast

from airflow_provider_videoai.files.locations import check_name, redacted_path, require_connection, store_errors
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.values.given_value import as_given
from airflow_provider_videoai.uploads.upload_source import SourceFile

__all__ = ["ARGUMENT", "MAX_BYTES", "MAX_LINE", "SUFFIXES", "Row", "rows_of_file", "suffix_of"]

ARGUMENT = "requests"
"""The operator's argument, for messages."""
MAX_BYTES = 64 * 1024**2
"""Bytes of a file, also decompressed: it is read into memory, and 100,000 requests of 600 bytes are less."""
MAX_LINE = 1024**2
"""Bytes of a line: the longest field of any vendor is a script of some thousand characters, so a longer line is a file
of another format."""
SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv")
"""Ends of the names of files that are read; each may be followed by ``.gz``."""

_PIECE = 1024**2
_BOM = b"\xef\xbb\xbf"


class Row(NamedTuple):
    """One row as it was given.

    :param number: from 1; of a file with lines the line that it begins on.
    :param values: what should be a mapping of fields.
    :param problem: why it could not be read; then there are no values.
    """

    number: int
    values: Any
    problem: str = ""


def suffix_of(name: str) -> str | None:
    """Return which of :data:`SUFFIXES` a file's name has; ``None`` for another.

    :param name: of the file, in any case, also with ``.gz``.
    """
    name = name.lower().removesuffix(".gz")
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), None)


def rows_of_file(given: object, names: Mapping[str, str]) -> Iterator[Row]:
    """Yield the rows of a file; the file is read whole first.

    :param given: its path, or its URL in a store.
    :param names: every name that a column of a CSV file may have -> the field that it means.
    :raises InvalidRequest: if there is no such file, or it has another format or is too long.
    :raises StorageFailed: if the store failed.
    """
    suffix = suffix_of(name := check_name(ARGUMENT, given))
    if suffix is None:
        raise InvalidRequest(
            f"{ARGUMENT}: must be a file whose name ends in {', '.join(SUFFIXES)} (or one of them + .gz), "
            f"not {as_given(name)}"
        )
    with store_errors(ARGUMENT, url := str(given)):
        require_connection(url)
    source = SourceFile.find(ARGUMENT, given)
    where = f"{ARGUMENT}: {redacted_path(source.place.url)}"
    content = _content(source, where).removeprefix(_BOM)
    if suffix == ".csv":
        yield from _of_csv(content, where, names)
    elif suffix == ".json":
        yield from _of_json(content, where)
    else:
        yield from _of_json_lines(content)


def _content(source: SourceFile, where: str) -> bytes:
    if source.size > MAX_BYTES:
        raise _too_long(where)
    with store_errors(ARGUMENT, source.place.url), source.open() as file:
        content = _bounded(file, where)
    if not source.place.name.lower().endswith(".gz"):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as unpacked:
            return _bounded(cast(BinaryIO, unpacked), where)
    except (EOFError, OSError, zlib.error):
        raise InvalidRequest(f"{where} is not a whole gzip file: write it again") from None


def _bounded(file: BinaryIO, where: str) -> bytes:
    # Counted while it is read: a file may grow, and a gzip file of some kB may hold terabytes.
    content = bytearray()
    while piece := file.read(_PIECE):
        content += piece
        if len(content) > MAX_BYTES:
            raise _too_long(where)
    return bytes(content)


def _too_long(where: str) -> InvalidRequest:
    return InvalidRequest(f"{where} has more than {MAX_BYTES // 1024**2} MiB: divide it among several tasks")


def _of_json(content: bytes, where: str) -> Iterator[Row]:
    try:
        members = _json(content)
    except ValueError as wrong:
        raise InvalidRequest(f"{where} {wrong}") from None
    if not isinstance(members, list):
        raise InvalidRequest(f"{where} must hold a list of requests, and holds {as_given(members)}")
    for number, member in enumerate(members, 1):
        yield Row(number, member)


def _of_json_lines(content: bytes) -> Iterator[Row]:
    # Lines end at \n only: JSON may hold U+2028 and others at which str.splitlines() divides.
    for number, line in enumerate(io.BytesIO(content), 1):
        if not (line := line.strip()):
            continue
        try:
            yield Row(number, _json(line, MAX_LINE))
        except ValueError as wrong:
            yield Row(number, None, str(wrong))


def _json(content: bytes, longest: int = MAX_BYTES) -> Any:
    """Return a JSON value; of what is wrong with it, an error says no part of the content."""
    if len(content) > longest:
        raise ValueError(f"is longer than {longest // 1024} KiB: is it one JSON object per line?")
    try:
        return json.loads(content.decode(), object_pairs_hook=_object)
    except UnicodeDecodeError as wrong:
        raise ValueError(f"is not UTF-8 (byte {wrong.start + 1})") from None
    except json.JSONDecodeError as wrong:
        line = f"line {wrong.lineno}, " if wrong.lineno > 1 else ""
        raise ValueError(f"is not JSON: {wrong.msg} ({line}column {wrong.colno})") from None
    except RecursionError:
        raise ValueError("is nested too deep") from None
    except _GivenTwice:
        raise
    except ValueError:  # Python reads no integer of more than 4,300 digits
        raise ValueError("holds a number that is too long") from None


class _GivenTwice(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # json would keep the last: nobody can say which was meant.
    members = dict(pairs)
    if len(members) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise _GivenTwice(f"has {as_given(twice)} twice in one object")
    return members


def _of_csv(content: bytes, where: str, names: Mapping[str, str]) -> Iterator[Row]:
    # strict: without it a quote that nobody closes takes all the rest of the file as one cell.
    reader = csv.reader(_lines(content), strict=True)
    columns: list[str] | None = None
    number = 1
    try:
        for cells in reader:
            # A spreadsheet leaves rows of empty cells.
            if any(cells):
                if columns is None:
                    columns = _columns(cells, f"{where}, row {number}", names)
                elif len(cells) != len(columns):
                    yield Row(number, None, f"has {len(cells)} cells, and the header {len(columns)}")
                else:
                    yield _of_cells(number, {name: cell for name, cell in zip(columns, cells, strict=True) if cell})
            number = reader.line_num + 1
    except UnicodeDecodeError:
        raise InvalidRequest(f"{where} is not UTF-8 (at or soon after row {number}): save it as CSV UTF-8") from None
    except (csv.Error, _LongLine) as wrong:
        # The next cell cannot be found any more.
        raise InvalidRequest(f"{where}, row {number}: is not CSV as RFC 4180 has it: {wrong}") from None


def _of_cells(number: int, cells: dict[str, str]) -> Row:
    for name, cell in cells.items():
        if cell.lstrip()[:1] in ("[", "{"):
            try:
                _json(cell.encode())
            except _GivenTwice as twice:
                return Row(number, None, f"{name}: {twice}")
            except ValueError:  # text after all, or Python's notation: its field says what is wrong with it
                continue
    return Row(number, cells)


class _LongLine(ValueError):
    pass


def _lines(content: bytes) -> Iterator[str]:
    # newline="": a line break within quotes is a part of the cell.
    for line in io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline=""):
        if len(line) > MAX_LINE:
            raise _LongLine(f"a line has more than {MAX_LINE:,} characters")
        yield line


def _columns(cells: list[str], where: str, names: Mapping[str, str]) -> list[str]:
    columns: dict[str, str] = {}
    for index, cell in enumerate(cells, 1):
        given = cell.strip()
        if (name := names.get(given)) is None:
            raise InvalidRequest(
                f"{where}: column {index} is {as_given(given)}, which is no field; the first row names the fields, "
                f"separated by commas: {', '.join(dict.fromkeys(names.values()))}"
            )
        if name in columns:
            raise InvalidRequest(f"{where}: column {index} is {given!r}, and {columns[name]!r} is there already")
        columns[name] = given
    return list(columns)
