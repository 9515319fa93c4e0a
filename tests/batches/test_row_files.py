# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import ObjectStoragePath
from hypothesis import given
from hypothesis import strategies as st
from pydantic.alias_generators import to_camel

from airflow_provider_videoai.batches import row_files
from airflow_provider_videoai.batches.items import items_of
from airflow_provider_videoai.jobs.errors import StorageFailed
from airflow_provider_videoai.uploads.upload_source import SourceFile
from tests.batches.test_items import GOOD, SIGNED, read, refusal
from tests.support.cases import CASES, Case
from tests.support.fuzzing import fuzz, outcome

Rows = Sequence[dict[str, Any]]
BOM = b"\xef\xbb\xbf"
REGIONS = '"[[0,0,10,10]]"'
HEAD = "item_id,url,task_name,full_erase_roi"
LINE = f"0012,{SIGNED},a,{REGIONS}"


def as_json(rows: Rows) -> bytes:
    return json.dumps(rows, indent=1).encode()


def as_lines(rows: Rows) -> bytes:
    # With the characters at which str.splitlines() would divide.
    return "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


def as_csv(rows: Rows) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(
        {key: json.dumps(value) if isinstance(value, list | dict) else value for key, value in row.items()}
        for row in rows
    )
    return text.getvalue().encode()


WRITERS: dict[str, Callable[[Rows], bytes]] = {
    ".json": as_json,
    ".jsonl": as_lines,
    ".ndjson": as_lines,
    ".csv": as_csv,
}


def write(folder: Path, name: str, content: bytes | str) -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("camel", [False, True])
def test_a_file_gives_the_items_of_the_same_list(case: Case, suffix: str, camel: bool, tmp_path: Path) -> None:
    fields = {
        key: value.replace("SANDBOX", "https://a.example") if isinstance(value, str) else value
        for key, value in case.fields.items()
    }
    request_class = case.operator.request_class
    wanted: dict[str, Any] = {"vendor": case.vendor, "conn_id": "c", "common": None, "request_class": request_class}
    if camel:
        fields = {request_class.model_fields[name].alias or to_camel(name): value for name, value in fields.items()}
    rows = [fields, {**fields, "item_id": "0012"}]
    items, found = items_of(rows, **wanted), items_of(write(tmp_path, f"l{suffix}", WRITERS[suffix](rows)), **wanted)
    assert [(i.item_id, i.request, i.fingerprint) for i in found] == [
        (i.item_id, i.request, i.fingerprint) for i in items
    ]


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gz"])
@pytest.mark.parametrize("mark", [b"", BOM], ids=["", "bom"])
@pytest.mark.parametrize(
    "form", [str, Path, lambda path: f" file://{path}\n", lambda path: ObjectStoragePath(f"file://{path}")]
)
def test_each_way_to_name_a_file_reads_it(suffix: str, pack: Any, mark: bytes, form: Any, tmp_path: Path) -> None:
    name = f"list{suffix.upper()}{'.gz' if pack is gzip.compress else ''}"
    path = write(tmp_path, name, pack(mark + WRITERS[suffix]([GOOD | {"item_id": "0012"}])))
    (item,) = read(form(path))
    assert (item.item_id, item.request) == ("0012", read([GOOD])[0].request)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)


@fuzz
@given(names=st.lists(TEXT.filter(lambda text: text != "None"), min_size=1, max_size=5, unique=True))
def test_every_text_survives_every_format(names: list[str], tmp_path: Path) -> None:
    rows = [GOOD | {"task_name": name} for name in names]
    expected = [item.request for item in read(rows)]
    for suffix, writer in WRITERS.items():
        assert [item.request for item in read(write(tmp_path, f"l{suffix}", writer(rows)))] == expected, suffix


def test_a_row_of_a_file_is_its_line(tmp_path: Path) -> None:
    lines = write(tmp_path, "l.jsonl", f"\n{json.dumps(GOOD)}\r\n \n{json.dumps(GOOD | {'task_name': 'b'})}")
    assert [item.row for item in read(lines)] == [2, 4]
    cells = write(tmp_path, "l.csv", f'{HEAD}\n1,{SIGNED},"a\nb",{REGIONS}\n,,,\n\n{LINE}\n')
    assert [(item.row, item.item_id) for item in read(cells)] == [(2, "1"), (6, "0012")]


def test_an_empty_cell_is_absent(tmp_path: Path) -> None:
    path = write(tmp_path, "l.csv", f"url,task_name,fullEraseROI\n{SIGNED},,\n")
    assert read(path, {"task_name": "a", "full_erase_roi": [[0, 0, 10, 10]]})[0].request == read([GOOD])[0].request


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("l.csv", "url,colour\n", "row 1: column 2 is 'colour', which is no field; the first row names the fields"),
        ("l.csv", f"{SIGNED},a\n", "row 1: column 1 is 'https://bucket.example.com/a.mp4?...', which is no field"),
        ("l.csv", "url;task_name\n", "separated by commas: item_id, url, task_name"),
        ("l.csv", "url,task_name,taskName\n", "row 1: column 3 is 'taskName', and 'task_name' is there already"),
        ("l.csv", "url,\n", "row 1: column 2 is ''"),
        ("l.csv", f"{HEAD}\n{LINE},x\n", "row 2: has 5 cells, and the header 4"),
        ("l.csv", f"{HEAD}\n{LINE}\n1,{SIGNED}\n", "row 3: has 2 cells, and the header 4"),
        ("l.csv", f'{HEAD}\n{LINE}\n1,"{SIGNED}\n', "row 3: is not CSV as RFC 4180 has it: unexpected end of data"),
        ("l.csv", f"{HEAD}\n{'x' * 200_000}", "row 2: is not CSV"),
        ("l.csv", f"{HEAD}\n{'x,' * 600_000}", "row 2: is not CSV as RFC 4180 has it: a line has more than"),
        ("l.csv", f"{HEAD}\n{LINE}\n".encode("utf-16"), "is not UTF-8"),
        ("l.csv", 'url,fullEraseROI\n1,"[{""x"":1,""x"":2}]"', "row 2: full_erase_roi: has 'x' twice in one object"),
        ("l.csv", f"{HEAD}\n", "must hold at least one"),
        ("l.csv", "", "is not a file, or is empty"),
        ("l.jsonl", "\n\n", "must hold at least one"),
        ("l.jsonl", '{"url": 1,\n', "row 1: is not JSON: "),
        ("l.jsonl", '\n{"url": "my-secret" x}', "row 2: is not JSON: Expecting ',' delimiter (column 21)"),
        ("l.jsonl", '{"url": 1, "url": 2}', "row 1: has 'url' twice in one object"),
        ("l.jsonl", "[" * 500_000, "row 1: is nested too deep"),
        ("l.jsonl", "9" * 5000, "row 1: holds a number that is too long"),
        ("l.jsonl", b'\n"\xff"', "row 2: is not UTF-8 (byte 2)"),
        ("l.jsonl", "[1]" + " " * 10 + "1" * 1024**2, "row 1: is longer than 1024 KiB"),
        ("l.jsonl", json.dumps([GOOD]), "row 1: must be an object of a request's fields, not ["),
        ("l.json", json.dumps(GOOD), "must hold a list of requests, and holds {"),
        ("l.json", "[\n{]", "is not JSON: "),
        ("l.json.gz", "[]", "is not a whole gzip file"),
        ("l.json.gz", gzip.compress(as_json([GOOD]))[:-9], "is not a whole gzip file"),
        ("l.gz", "[]", ".jsonl, .ndjson, .json, .csv"),
        ("l.txt", "[]", ".jsonl, .ndjson, .json, .csv"),
    ],
)
@pytest.mark.parametrize("form", [str, Path])
def test_a_broken_file_says_where_it_is_broken(
    name: str, content: Any, problem: str, form: Any, tmp_path: Path
) -> None:
    assert problem in refusal(form(write(tmp_path, name, content)))


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "bomb"])
def test_a_file_has_a_greatest_size(pack: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_files, "MAX_BYTES", 2 * 1024**2)
    path = write(tmp_path, "l.json.gz" if pack is gzip.compress else "l.json", pack(b" " * (2 * 1024**2 + 1)))
    assert "has more than 2 MiB" in refusal(path)


def test_a_file_that_is_not_there_is_the_users_to_correct(tmp_path: Path) -> None:
    assert "there is no file at" in refusal(str(tmp_path / "l.csv"))


def test_a_store_that_fails_is_retried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(SourceFile, "open", failing)
    with pytest.raises(
        StorageFailed, match=r"requests: .*Input/output error.*A retry reads it again, and buys nothing"
    ):
        read(write(tmp_path, "l.json", as_json([GOOD])))


@fuzz
@given(content=st.binary(max_size=60) | st.text(alphabet='"{}[],:\n\r;1a\0\ufeff\u2028', max_size=60).map(str.encode))
@pytest.mark.parametrize("suffix", [*WRITERS, ".csv.gz"])
def test_whatever_a_file_holds_is_read_or_refused(suffix: str, content: bytes, tmp_path: Path) -> None:
    for prefix in (b"", HEAD.encode() + b"\n"):
        found = outcome(partial(read, write(tmp_path, f"l{suffix}", prefix + content)))
        assert isinstance(found, list) or "nothing was bought" in found.message
