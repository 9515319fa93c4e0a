# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.batches import rows
from airflow_provider_videoai.batches.items import Item, items_of
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.submission.fingerprint import fingerprint_of
from airflow_provider_videoai.vendors.cdnetworks.requests import TrimRequest
from airflow_provider_videoai.vendors.viitor import TextRemovalRequest
from tests.support.fuzzing import fuzz, json_values, outcome

SIGNED = "https://bucket.example.com/a.mp4?X-Amz-Signature=my-secret"
GOOD = {"url": SIGNED, "task_name": "a", "full_erase_roi": [[0, 0, 10, 10]]}


def read(given: Any, common: Any = None, **changes: Any) -> list[Item]:
    arguments: dict[str, Any] = {"request_class": TextRemovalRequest, "vendor": "viitor", "conn_id": "c"} | changes
    return items_of(given, common=common, **arguments)


def refusal(given: Any, common: Any = None, **changes: Any) -> str:
    with pytest.raises(InvalidRequest) as refused:
        read(given, common, **changes)
    message = refused.value.message
    assert message.endswith("nothing was sent, nothing was bought")
    assert str(refused.value) == message
    assert "my-secret" not in message
    assert len(message) < 4100
    return message


class Lazy:
    """The outputs of a mapped task, as Airflow gives them: iterable, each fetched when it is due."""

    def __init__(self, outputs: list[Any]) -> None:
        self._outputs = outputs

    def __iter__(self) -> Iterator[Any]:
        yield from self._outputs


@pytest.mark.parametrize("form", [list, tuple, iter, Lazy, json.dumps, repr, lambda given: f"\n {json.dumps(given)} "])
def test_what_airflow_renders_gives_the_same_items(form: Any) -> None:
    requests = [GOOD | {"item_id": "clip-1"}, GOOD | {"task_name": "b"}]
    request = TextRemovalRequest.parse(GOOD | {"task_name": "b"})
    fingerprint = fingerprint_of("viitor", "c", "text_removal", request.to_vendor())
    first, second = read(form(requests))
    assert (first.item_id, first.request, first.row) == ("clip-1", TextRemovalRequest.parse(GOOD), 1)
    assert second == Item(fingerprint, request, fingerprint, 2)


def test_members_that_were_rendered_by_themselves_are_read() -> None:
    assert read([repr(GOOD), json.dumps(GOOD | {"task_name": "b"})]) == read([GOOD, GOOD | {"task_name": "b"}])


# -- fields that all requests share -------------------------------------------------------------------------


def test_a_rows_own_value_wins_by_either_name() -> None:
    common = {"fullEraseROI": [[1, 1, 2, 2]], "task_name": "common"}
    own, shared = read([{"url": SIGNED, "fullEraseROI": [[0, 0, 9, 9]], "taskName": "own"}, {"url": SIGNED}], common)
    assert own.request == TextRemovalRequest(url=SIGNED, task_name="own", full_erase_roi=[[0, 0, 9, 9]])
    assert shared.request == TextRemovalRequest(url=SIGNED, task_name="common", full_erase_roi=[[1, 1, 2, 2]])


@pytest.mark.parametrize("empty", [None, "", "None"])
def test_an_empty_value_of_a_row_is_none(empty: str | None) -> None:
    assert read([{"url": SIGNED, "task_name": empty}], GOOD) == read([GOOD])


@pytest.mark.parametrize(
    ("common", "problem"),
    [
        ({"item_id": "x"}, "common: item_id: belongs to one request"),
        ({"colour": "red"}, "common: 'colour' is not a field; the fields are item_id, url, task_name"),
        ({"task_name": "a", "taskName": "b"}, "common: task_name: given twice, also as taskName"),
        ({"url": "my clip"}, "common: url: must be an http:// or https:// URL"),
        ({1: 2}, "common: 1 is not a field"),
        ([GOOD], "common: must be a mapping of fields, not ["),
    ],
)
def test_a_wrong_common_field_is_said_once(common: Any, problem: str) -> None:
    assert refusal([GOOD | {"task_name": str(n)} for n in range(20)], common).startswith(problem)


# -- item ids -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item_id", "kept"), [("clip 1", "clip 1"), ("0012", "0012"), (12, "12"), ("é.b", "é.b"), ("x" * 200, "x" * 200)]
)
def test_an_item_id_is_kept_as_text(item_id: Any, kept: str) -> None:
    assert read([GOOD | {"item_id": item_id}])[0].item_id == kept


BAD_IDS = ["", "None", "a/b", "a\\b", " a", "a ", "a\n", "\x00", "\x1b[2J", "\u202ex", "\ud800", ".", "..", "x" * 201]


@pytest.mark.parametrize(
    "item_id", [*BAD_IDS, "é" * 101, True, 1.5, float("nan"), pytest.param(10**5000, id="huge"), [], {}, b"a"]
)
def test_an_item_id_that_no_file_name_may_have_is_refused(item_id: Any) -> None:
    assert refusal([GOOD | {"item_id": item_id}]).startswith("requests: 1 of 1 cannot be submitted: row 1: item_id: ")


@fuzz
@given(st.text(max_size=12) | st.integers())
def test_every_item_id_is_one_name_of_a_file(item_id: Any) -> None:
    found = outcome(lambda: read([GOOD | {"item_id": item_id}]))
    if isinstance(found, list):
        kept = found[0].item_id
        assert kept == str(item_id)
        assert kept == kept.strip()
        assert kept.isprintable()
        assert not {"/", "\\"} & set(kept)
        assert kept not in ("", ".", "..")


SAME_URL = {"url": SIGNED.replace("my-secret", "another")}


@pytest.mark.parametrize(
    ("pair", "problem"),
    [
        (({"item_id": "x"}, {"item_id": "x", "task_name": "b"}), "row 2 (item 'x'): has the same item_id as row 1: "),
        (({"item_id": 1}, {"item_id": "1", "task_name": "b"}), "row 2 (item '1'): has the same item_id as row 1: "),
        # Also of a row that is broken itself.
        (({"item_id": "x", "url": ""}, {"item_id": "x"}), "row 2 (item 'x'): has the same item_id as row 1: "),
        (({}, {}), "row 2: is the same request as row 1: give each an item_id if both are wanted, or remove one"),
        (({}, SAME_URL), "row 2: is the same request as row 1: "),
    ],
)
def test_two_rows_that_cannot_be_told_apart_are_named(pair: Any, problem: str) -> None:
    assert problem in refusal([GOOD | changes for changes in pair])


def test_an_id_that_is_another_rows_fingerprint_is_refused() -> None:
    fingerprint = read([GOOD])[0].fingerprint
    other = GOOD | {"item_id": fingerprint, "task_name": "b"}
    assert "row 2: has the same item_id as row 1" in refusal([other, GOOD])
    assert "has the same item_id as row 1" in refusal([GOOD, other])


def test_the_same_request_may_be_wanted_twice() -> None:
    first, second = read([GOOD | {"item_id": "x"}, GOOD | {"item_id": "y"}])
    assert first.fingerprint == second.fingerprint


def test_two_rows_may_not_choose_the_same_job_id() -> None:
    trim = {"video_id": "v", "seek_start": 0, "duration": 1, "trans_no": "t-1"}
    message = refusal([trim | {"filename": "a"}, trim | {"filename": "b"}], request_class=TrimRequest)
    assert "row 2: has the same job id ('t-1') as row 1" in message


# -- errors -------------------------------------------------------------------------------------------------


def test_ten_broken_rows_are_shown_and_the_others_counted() -> None:
    broken = [
        GOOD | {"item_id": f"clip-{n}", "url": f"ftp://u:my-secret@host/{'a' * 999}?my-secret"} for n in range(30)
    ]
    message = refusal([GOOD, *broken])
    assert message.startswith("requests: 30 of 31 cannot be submitted: row 2 (item 'clip-0'): url: must be an http")
    assert message.count("row ") == 10
    assert " | and 20 more; " in message


def endless() -> Iterator[Any]:
    while True:
        yield GOOD


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({**GOOD, "colour": 1}, "'colour' is not a field; the fields are "),
        ({**GOOD, SIGNED: 1}, "'https://bucket.example.com/a.mp4?...' is not a field"),
        ({**GOOD, "taskName": "b"}, "task_name: given twice, also as taskName"),
        (dict([*GOOD.items(), (7, 1)]), "7 is not a field"),
        ({**GOOD, "full_erase_roi": [[0, 0, float("nan"), 1]]}, "full_erase_roi[0][2]: must be a finite number"),
        ({**GOOD, "full_erase_roi": [[0, 0, 10**5000, 1]]}, "full_erase_roi[0][2]: must be an integer between"),
        ({**GOOD, "full_erase_roi": LOOP}, "full_erase_roi: "),
        ({**GOOD, "full_erase_roi": "[" * 100_000}, "full_erase_roi: "),
        ({**GOOD, "task_name": "\ud800"}, "task_name: must not contain half a surrogate pair"),
        ({**GOOD, "task_name": "\0"}, "task_name: must not contain"),
        ([GOOD], "must be an object of a request's fields, not ["),
        (SIGNED, "must be an object of a request's fields, not 'https://bucket.example.com/a.mp4?...'"),
        (None, "must be an object"),
        ({}, "url: "),
    ],
)
def test_a_broken_row_says_what_is_wrong(row: Any, problem: str) -> None:
    assert f"row 2: {problem}" in refusal([GOOD, row])


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ([], "must hold at least one"),
        ("[]", "must hold at least one"),
        (GOOD, "must be a list of requests, and is a single one"),
        (json.dumps(GOOD), "must be a list of requests, and is a single one"),
        (None, "came empty"),
        (" None ", "came empty"),
        ("", "came empty"),
        ("[{", "neither JSON nor a list as Python writes it"),
        pytest.param("[" * 100_000, "neither JSON nor a list as Python writes it", id="deep"),
        pytest.param("[" * (8 * 1024**2 + 1), "write the list to a file", id="long"),
        ("three clips", ".jsonl, .ndjson, .json, .csv"),
        pytest.param("x" * 10**6, ".jsonl, .ndjson, .json, .csv", id="long path"),
        ("s3://bucket/list.xlsx", ".jsonl, .ndjson, .json, .csv"),
        ("https://u:my-secret@host/list.csv?my-secret", "a web address is not read as a file"),
        ("/list.csv\0", "characters that no name may have"),
        (7, "must be a list of requests"),
        (b"[]", "must be a list of requests"),
    ],
)
def test_what_is_no_list_of_requests_is_refused(given: Any, problem: str) -> None:
    message = refusal(given)
    assert message.startswith("requests: ")
    assert problem in message


def test_an_endless_list_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_ITEMS", 30)
    assert "must hold at most 30" in refusal(endless())


def test_an_error_of_airflow_passes_so_that_its_own_retry_applies() -> None:
    def outputs() -> Iterator[Any]:
        yield GOOD
        raise ConnectionError("API server")

    with pytest.raises(ConnectionError, match="API server"):
        read(outputs())


ODD = json_values("[[0,0,1,1]]", [[0, 0, 1, 1]], SIGNED)
NAMES = st.sampled_from([*GOOD, "item_id", "taskName", "textDetectROI"]) | st.text(max_size=3)


@fuzz
@given(
    st.lists(st.dictionaries(NAMES, ODD, max_size=5) | ODD, max_size=4) | ODD, st.dictionaries(NAMES, ODD, max_size=2)
)
def test_whatever_is_given_gives_distinct_items_or_one_refusal(given: Any, common: Any) -> None:
    found = outcome(lambda: read(given, common))
    if isinstance(found, list):
        assert len({item.item_id for item in found}) == len(found) == len(given)
    else:
        assert isinstance(found, InvalidRequest)
        assert found.message.endswith("nothing was sent, nothing was bought")
        assert "my-secret" not in found.message
