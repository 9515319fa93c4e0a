# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.submission.fingerprint import fingerprint_of

BASE = ("lab", "my_conn", "develop", {"film": "sunset", "size": 3})


def test_fingerprint_is_the_same_whatever_the_order_of_the_fields() -> None:
    assert fingerprint_of(*BASE) == fingerprint_of("lab", "my_conn", "develop", {"size": 3, "film": "sunset"})


@pytest.mark.parametrize(
    "other",
    [
        ("loo", "my_conn", "develop", {"film": "sunset", "size": 3}),
        ("lab", "my_con", "develop", {"film": "sunset", "size": 3}),
        ("lab", "my_conn", "reprint", {"film": "sunset", "size": 3}),
        ("lab", "my_conn", "develop", {"film": "sunset"}),
        ("lab", "my_conn", "develop", {"film": "sunset", "size": "3"}),
        ("labm", "y_conn", "develop", {"film": "sunset", "size": 3}),
    ],
)
def test_fingerprint_changes_with_each_of_its_parts(other: Any) -> None:
    assert fingerprint_of(*BASE) != fingerprint_of(*other)


FILM = "https://bucket.example.com/films/sunset.mp4"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("?X-Amz-Date=1&X-Amz-Expires=9&X-Amz-Signature=aa", "?X-Amz-Date=2&X-Amz-Expires=9&X-Amz-Signature=bb"),
        ("?v=1&Expires=1&Signature=aa&Key-Pair-Id=k", "?v=1&Expires=2&Signature=bb&Key-Pair-Id=k"),
        ("?OSSAccessKeyId=k&Expires=1&Signature=aa", "?OSSAccessKeyId=k&Expires=2&Signature=bb"),
        ("?x-oss-date=1&x-oss-signature=aa", "?x-oss-date=2&x-oss-signature=bb"),
        ("?X-Goog-Date=1&X-Goog-Signature=aa", "?X-Goog-Date=2&X-Goog-Signature=bb"),
        ("?q-sign-time=1&q-signature=aa", "?q-sign-time=2&q-signature=bb"),
        ("?sv=2024&se=1&sig=aa", "?sv=2024&se=2&sig=bb"),
        ("?wsSecret=aa&wsTime=1&v=1", "?v=1&wsSecret=bb&wsTime=2"),
        ("?auth_key=1-r-0-aa", "?auth_key=2-s-0-bb"),
    ],
)
def test_url_that_is_signed_anew_is_the_same_request(first: str, second: str) -> None:
    made = {
        fingerprint_of("lab", "c", "o", {"film": FILM + query, "more": [FILM + query]}) for query in (first, second)
    }
    assert len(made) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("?v=1", "?v=2"),
        ("?v=1&Signature=a", "?v=2&Signature=a"),
        ("?st=5", "?st=6"),
        ("?expires=1", "?expires=2"),
        ("?wsTime=1", "?wsTime=2"),
        ("?wsSecret=a&v=1", "?wsSecret=a&v=2"),
        ("", "?v=1"),
    ],
)
def test_url_that_names_something_else_is_another_request(first: str, second: str) -> None:
    assert fingerprint_of("lab", "c", "o", {"f": FILM + first}) != fingerprint_of("lab", "c", "o", {"f": FILM + second})


@given(st.text(min_size=4), st.text(min_size=4), st.text(min_size=8))
def test_fingerprint_holds_nothing_of_its_input(conn_id: str, operation: str, url: str) -> None:
    fingerprint = fingerprint_of("lab", conn_id, operation, {"url": url})
    assert len(fingerprint) == 32
    assert set(fingerprint) <= set("0123456789abcdef")
    assert url not in fingerprint


# -- over versions ---------------------------------------------------------------------------------------------

ROI = {"url": "https://b.example.com/a.mp4", "taskName": "Ünïcode 日本", "textDetectRoi": [[0, 0, 1, 1]]}
QUERY = {"url": "https://b.example.com/a.mp4?title=a%20b&v=1&v=2&empty=&X=%C3%BC#frag"}
SIGNED = {"url": "HTTPS://b.example.com/a.mp4?Expires=1&Signature=aa&OSSAccessKeyId=k&v=1", "speed": 1.5, "flag": True}
NESTED = {"videoId": "v", "nested": {"b": [1, 2], "a": {"u": "http://x/y?flag"}}}


@pytest.mark.parametrize(
    ("parts", "made"),
    [
        (("viitor", "viitor_default", "text_removal", ROI), "d2819b992629a97d3dd94d91e20c2e47"),
        (("viitor", "c", "o", QUERY), "97e64397ce6113d429b1666b296aa9c3"),
        (("aidge", "c", "o", {**SIGNED, "none": None}), "041ac350afe95d1e35dc8e718ae84716"),
        (("cdnetworks", "c", "trim", NESTED), "02e9f1e416736abcbb9f2ed3f73062d4"),
    ],
)
def test_fingerprint_is_that_of_earlier_versions(parts: Any, made: str) -> None:
    """Another one would make every job in flight another request, and buy it again after an upgrade."""
    assert fingerprint_of(*parts) == made


# -- any request -----------------------------------------------------------------------------------------------

any_text = st.text(st.characters(exclude_categories=()))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=10,
)
queries = any_text.map(lambda text: f"https://h.example.com/a?{text}") | any_text.map(lambda text: f"http://{text}?x=1")


@given(st.dictionaries(any_text, values | queries, max_size=3))
def test_every_request_has_a_fingerprint_that_stays(request: dict[str, Any]) -> None:
    assert len(fingerprint_of("lab", "c", "o", request)) == 32
    assert fingerprint_of("lab", "c", "o", request) == fingerprint_of("lab", "c", "o", dict(reversed(request.items())))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("http://[x?y", "http://[x?z"),
        ("http://h/a?x=%FF", "http://h/a?x=%FE"),
        ("http://h/a?x=\ud800", "http://h/a?x=\ud801"),
        ("http://h/a?x=1&x=2", "http://h/a?x=2&x=1"),
        ("http://h/a?x=1&x=2", "http://h/a?x=2"),
    ],
)
def test_urls_that_hardly_are_any_stay_apart(first: str, second: str) -> None:
    assert fingerprint_of("lab", "c", "o", {"f": first}) != fingerprint_of("lab", "c", "o", {"f": second})


def within_itself() -> list[Any]:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    return deep


@pytest.mark.parametrize("value", [object(), {1}, within_itself(), 10**10_000], ids=["object", "set", "deep", "huge"])
def test_request_that_json_cannot_express_is_refused(value: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"develop request cannot be written as JSON.*nothing was bought"):
        fingerprint_of("lab", "c", "develop", {"film": value})
