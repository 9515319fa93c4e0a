# SPDX-License-Identifier: Apache-2.0
"""The manifest is published whole, read back whatever became of it, and holds no signed URL of a request."""

from __future__ import annotations

import json
import logging
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.batches import manifest
from airflow_provider_videoai.batches.manifest import STATES, Line, Manifest, check_path, request_fields
from airflow_provider_videoai.jobs.errors import InvalidRequest, StorageFailed
from airflow_provider_videoai.jobs.model import JobResult, JobState
from airflow_provider_videoai.jobs.values.usage import Usage
from airflow_provider_videoai.media.storage import Destination
from airflow_provider_videoai.vendors.tencent_ivh.requests import VideoMakeRequest
from airflow_provider_videoai.vendors.viitor import TextRemovalRequest
from tests.support.stores import KEYS, Store, file_store, s3_server, s3_store

__all__ = ["file_store", "s3_server", "s3_store"]

LOG = logging.getLogger("batch")
CONTRACT = [
    "item_id",
    "request",
    "state",
    "job_id",
    "error",
    "outputs",
    "path",
    "sha256",
    "duration_ms",
    "usage",
    "submitted_at",
    "finished_at",
]
RESULT = JobResult(
    vendor="viitor",
    operation="text_removal",
    job_id="ViiTor_AI_1",
    state=JobState.SUCCEEDED,
    media_url="https://cdn.example/out.mp4?sign=of-the-result",
    usage=Usage(credits=1.5),
)
DONE = Line(
    item_id="take 1",
    request={"url": "https://media.example/in.mp4", "task_name": "去字幕\u2028 💡"},
    state="succeeded",
    job_id="ViiTor_AI_1",
    outputs=tuple(RESULT.to_dict()["outputs"]),
    path="s3://my_s3@results/take 1.mp4",
    sha256="ab" * 32,
    duration_ms=8000,
    usage=RESULT.to_dict()["usage"],
    submitted_at="2026-05-09T08:00:00+00:00",
    finished_at="2026-05-09T08:05:00+00:00",
)
FAILED = Line(
    item_id="take 2",
    request={},
    state="failed",
    error={"type": "JobFailed", "message": "the vendor says no", "code": None},
)
QUEUED = Line(item_id="take 3", request={"task_name": "x"}, state="queued")


@pytest.fixture(params=["file_store", "s3_store"])
def store(request: pytest.FixtureRequest) -> Store:
    """Each kind of store in turn."""
    found: Store = request.getfixturevalue(request.param)
    return found


def manifest_in(store: Store) -> Manifest:
    return Manifest(f"{store.root}/batch.jsonl", LOG)


def test_what_is_published_is_read_back(store: Store) -> None:
    found = manifest_in(store)
    found.publish([DONE, FAILED, QUEUED])
    assert found.read() == {"take 1": DONE, "take 2": FAILED, "take 3": QUEUED}
    assert set(store.files()) == {"batch.jsonl"}


def test_every_line_has_the_fields_of_the_contract_in_their_order(store: Store) -> None:
    manifest_in(store).publish([DONE, QUEUED])
    # splitlines() also splits at U+2028, as some readers of JSONL do.
    lines = [json.loads(line) for line in store.files()["batch.jsonl"].decode().splitlines()]
    assert [list(line) for line in lines] == [CONTRACT, CONTRACT]
    assert lines[0]["outputs"][0]["url"] == "https://cdn.example/out.mp4?sign=of-the-result"
    assert lines[1]["outputs"] == []
    assert {name for name, value in lines[1].items() if value is None} == set(CONTRACT[3:]) - {"outputs"}


def test_a_manifest_is_replaced_by_the_next_and_an_empty_one_is_a_file(store: Store) -> None:
    found = manifest_in(store)
    assert found.read() == {}
    found.publish([QUEUED])
    found.publish([replace(QUEUED, state="running", job_id="1")])
    assert found.read()["take 3"].job_id == "1"
    found.publish([])
    assert store.files() == {"batch.jsonl": b""}
    assert found.read() == {}


def test_an_absolute_path_names_a_file_as_well(tmp_path: Path) -> None:
    Manifest(f"{tmp_path}/new/batch.jsonl", LOG).publish([QUEUED])
    assert Manifest(f"file://{tmp_path}/new/batch.jsonl", LOG).read() == {"take 3": QUEUED}


def test_an_object_has_the_content_type_of_json_lines(s3_store: Store, s3_server: str) -> None:
    manifest_in(s3_store).publish([QUEUED])
    keys = {"aws_access_key_id": KEYS["login"], "aws_secret_access_key": KEYS["password"]}
    client = boto3.client("s3", endpoint_url=s3_server, region_name="us-east-1", **keys)
    assert client.head_object(Bucket="results", Key="clips/batch.jsonl")["ContentType"] == "application/x-ndjson"


def test_lines_that_break_off_leave_the_published_manifest_as_it_is(store: Store) -> None:
    found = manifest_in(store)
    found.publish([DONE])
    before = store.files()

    def lines() -> Iterator[Line]:
        for number in range(20_000):  # several blocks
            yield replace(QUEUED, item_id=str(number))
        raise RuntimeError("the batch ended")

    with pytest.raises(RuntimeError, match="the batch ended"):
        found.publish(lines())
    assert store.files() == before


def test_a_store_that_breaks_leaves_the_published_manifest_as_it_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = manifest_in(store)
    found.publish([DONE])
    before = store.files()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Destination, "move_to", full)
    with pytest.raises(StorageFailed, match=r"batch.jsonl cannot be written .*No space left.*Nothing was published"):
        found.publish([QUEUED])
    assert store.files() == before


@pytest.mark.usefixtures("s3_store")
def test_a_store_that_refuses_is_named_without_its_login() -> None:
    found = Manifest("s3://my_s3:pass@nowhere/batch.jsonl", LOG)
    for act in (found.read, lambda: found.publish([QUEUED])):
        with pytest.raises(StorageFailed, match=r"^manifest: s3://\*\*\*@nowhere/batch.jsonl cannot be") as failure:
            act()
        assert "pass" not in str(failure.value)


def test_a_scheme_that_is_unknown_is_named() -> None:
    with pytest.raises(InvalidRequest, match=r"^manifest: nowhere://bucket/batch.jsonl cannot be opened"):
        Manifest("nowhere://bucket/batch.jsonl", LOG).read()


def test_ten_thousand_lines_take_about_a_second(file_store: Store) -> None:
    lines = [replace(DONE, item_id=f"take {number}") for number in range(10_000)]
    started = time.process_time()
    manifest_in(file_store).publish(lines)
    assert time.process_time() - started < 5  # on a slow machine; here 0.6
    assert len(manifest_in(file_store).read()) == 10_000


# -- outside data ----------------------------------------------------------------------------------------------


def good(**changes: Any) -> dict[str, Any]:
    return {**DONE.to_json(), **changes}


UNREADABLE = {
    "no JSON": b"{",
    "no UTF-8": b'{"item_id": "\xff"}',
    "no object": b"[1]",
    "nested deeper than can be read": b"[" * 100_000,
    "cut off": json.dumps(DONE.to_json()).encode()[:-1],
    "without an id": b'{"state": "queued", "request": {}}',
    **{
        f"{name} {value!r}": json.dumps(good(**{name: value})).encode()
        for name, value in [
            ("item_id", ""),
            ("item_id", 1),
            ("item_id", None),
            ("request", []),
            ("request", None),
            ("state", "aborted"),
            ("state", ["queued"]),
            ("job_id", 7),
            ("error", "no"),
            ("error", {"message": "no"}),
            ("error", {"type": "JobFailed", "message": "no", "code": 4}),
            ("outputs", {}),
            ("outputs", ["https://cdn.example/out.mp4"]),
            ("duration_ms", True),
            ("duration_ms", 1.5),
            ("duration_ms", -1),
            ("usage", 3),
            ("finished_at", 1e9),
        ]
    },
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_a_line_that_cannot_be_read_costs_only_itself(
    file_store: Store, caplog: pytest.LogCaptureFixture, text: bytes
) -> None:
    last = json.dumps(QUEUED.to_json()).encode()
    file_store.put("batch.jsonl", b"\n".join([json.dumps(DONE.to_json()).encode(), text, b"", b" \r", last]))
    assert manifest_in(file_store).read() == {"take 1": DONE, "take 3": QUEUED}
    (warning,) = caplog.records
    assert "1 of the 3 lines" in warning.getMessage()
    assert "cdn.example" not in warning.getMessage()


def test_one_warning_counts_all_lines_that_cannot_be_read(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.put("batch.jsonl", b"{\n" * 2000)
    assert manifest_in(store).read() == {}
    (warning,) = [each.getMessage() for each in caplog.records if each.name == "batch"]
    assert "2000 of the 2000 lines" in warning


def test_keys_of_later_versions_are_left_out_and_missing_ones_are_unknown() -> None:
    line = Line.from_json({"item_id": "1", "request": {}, "state": "skipped", "price": 4})
    assert line == Line(item_id="1", request={}, state="skipped")


def test_a_line_that_is_too_long_is_skipped_without_being_held(
    file_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    last = json.dumps(QUEUED.to_json()).encode()
    file_store.put("batch.jsonl", b"{" * 40_000_000 + b"\n" + last)
    tracemalloc.start()
    try:
        assert manifest_in(file_store).read() == {"take 3": QUEUED}
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()
    assert "1 of the 2 lines" in caplog.records[-1].getMessage()


def test_a_file_that_is_too_long_is_read_up_to_its_limit(
    file_store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest_in(file_store).publish(replace(DONE, item_id=str(number)) for number in range(10_000))
    monkeypatch.setattr(manifest, "_LONGEST_FILE", 2 * 1024**2)
    assert 1000 < len(manifest_in(file_store).read()) < 9000
    assert "1 of the " in caplog.records[-1].getMessage()


@given(content=st.binary(max_size=200) | st.text('{}[]":,\nitem_dstaque1 ', max_size=80).map(str.encode))
def test_any_file_is_read(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(content)
    assert Manifest(str(path), LOG).read() == {}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(request=st.dictionaries(st.text(), VALUES, max_size=4), state=st.sampled_from(sorted(STATES)))
def test_any_json_becomes_a_line_that_can_be_read(request: dict[str, Any], state: str) -> None:
    line = Line(item_id="\ud800x", request=request, state=state)
    text = manifest._text(line)
    assert (text.isascii(), text.count(b"\n")) == (True, 1)
    again = manifest._parsed(text)
    assert again is not None
    assert (again.item_id, again.to_json()) == ("\ufffdx", line.to_json())
    json.loads(text, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    "long",
    [
        {"request": {"input_ssml": "字" * 400_000, "driver_type": "Text"}},
        {"usage": {"notes": ["x" * 1000] * 2000}},
        {"error": {"type": "JobFailed", "message": "x" * 2_000_000, "code": "4"}},
        {
            "outputs": [
                {"kind": "video", "url": f"https://cdn.example/{number}?{'x' * 30_000}"} for number in range(100)
            ]
        },
    ],
    ids=lambda long: next(iter(long)),
)
def test_a_line_is_cut_to_what_can_be_read_again(file_store: Store, long: dict[str, Any]) -> None:
    manifest_in(file_store).publish([replace(DONE, **long)])
    assert len(file_store.files()["batch.jsonl"]) < 1024**2
    (line,) = manifest_in(file_store).read().values()
    assert (line.job_id, line.path, line.sha256) == (DONE.job_id, DONE.path, DONE.sha256)
    if "request" in long:
        assert line.request["driver_type"] == "Text"
    if "outputs" in long:
        assert list(line.outputs) == long["outputs"][: len(line.outputs)] != []


# -- secrets ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://b.s3.amazonaws.com/in.mp4?X-Amz-Signature=secret", "https://b.s3.amazonaws.com/in.mp4"),
        ("HTTPS://h/in.mp4?token=secret#secret", "HTTPS://h/in.mp4"),
        ("  https://user:secret@h/in's.mp4?a='secret'  ", "https://h/in's.mp4"),
        ('<audio src="https://h/a.mp3?sig=secret"/> What? Yes#', '<audio src="https://h/a.mp3"/> What? Yes#'),
        ("see ftp://u:secret@h/a and HTTP://h/b?secret now", "see ftp://h/a and HTTP://h/b now"),
        ("s3://AKIA:secret@b/in.mp4", "s3://***@b/in.mp4"),
        ("s3://my_s3@b/in.mp4", "s3://my_s3@b/in.mp4"),
        ({"deep": [("https://h/a?secret",)]}, {"deep": [["https://h/a"]]}),
        ("Who? http: #1", "Who? http: #1"),
        (4, 4),
    ],
)
def test_urls_of_a_request_are_written_without_their_secrets(given: Any, kept: Any) -> None:
    line = replace(QUEUED, request={"field": given})
    assert line.to_json()["request"] == {"field": kept}
    assert b"secret" not in manifest._text(line)


def test_the_fields_of_a_request_have_their_names_in_snake_case() -> None:
    roi = [60, 288, 580, 336]
    request = TextRemovalRequest.parse(
        {"url": "https://h/in.mp4?sign=secret", "task_name": "x", "full_erase_roi": [roi]}
    )
    fields = request_fields(request)
    assert set(fields) == {"url", "task_name", "full_erase_roi"}
    assert fields["url"] == "https://h/in.mp4"


def test_signed_urls_within_a_text_are_no_part_of_the_fields() -> None:
    ssml = '<speak><audio src="https://h/a.mp3?sig=secret"/>Hello</speak>'
    values = {"virtualman_key": "k", "input_ssml": ssml, "speech_param": {"Speed": 1.0}}
    assert "secret" not in json.dumps(request_fields(VideoMakeRequest.parse(values)))


# -- its path --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["s3://my_s3@results/a/batch.jsonl", "file:///a/b.jsonl", "/a/b.jsonl", "/a/é #1?.jsonl"]
)
def test_a_path_that_ends_in_jsonl_is_accepted(path: str) -> None:
    check_path(path)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("batch.jsonl", "the absolute path"),
        (None, "the absolute path"),
        (["/a/b.jsonl"], "the absolute path"),
        ("", "the absolute path"),
        ("https://h/b.jsonl?sign=secret", "a web address"),
        ("s3://results", "does not name one"),
        ("s3:///b.jsonl", "does not name one"),
        ("/a/b.json", r"must end in \.jsonl"),
        ("s3://u:secret@results/b.JSONL", r"must end in \.jsonl"),
        ("/a/.jsonl", r"must end in \.jsonl"),
        ("/a/b.jsonl/", "does not name one"),
        ("/a/{item_id}.jsonl", "no fields in braces"),
        ("/{a/b.jsonl", "no fields in braces"),
        ("/a/\0b.jsonl", "NUL"),
    ],
)
def test_any_other_path_is_refused_by_the_rule_that_it_breaks(path: Any, why: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^manifest: .*{why}") as refused:
        check_path(path)
    assert "secret" not in str(refused.value)
