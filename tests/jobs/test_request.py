# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.request import JobRequest, Rule, WebUrl

SIGNED = "https://bucket.example.com/a%20clip.mp4?X-Amz-Signature=a%2Fb%2B=="


class Cut(JobRequest):
    """A made-up operation with every kind of field."""

    operation: ClassVar[str] = "cut"

    video_url: WebUrl
    seconds: Annotated[int, Field(ge=1)]
    title: str | None = None
    boxes: Annotated[list[list[float]] | None, Field(alias="boxROI")] = None
    options: dict[str, Any] | None = None

    rules = (
        Rule(
            ("seconds", "title"),
            "title: required beyond 60 seconds",
            lambda seconds, title: not isinstance(seconds, int) or seconds <= 60 or bool(title),
        ),
        Rule(("title", "boxes"), "boxes: only with a title", lambda t, b: b is None or bool(t)),
    )


GOOD = {"video_url": SIGNED, "seconds": 9}


# -- parse and to_vendor ------------------------------------------------------------------------------------


def test_fields_travel_under_their_vendors_names() -> None:
    cut = Cut.parse(GOOD | {"title": "t", "boxes": [[1, 2]], "options": {"Keep_Me": 1}})
    assert cut.to_vendor() == {
        "videoUrl": SIGNED,
        "seconds": 9,
        "title": "t",
        "boxROI": [[1.0, 2.0]],
        "options": {"Keep_Me": 1},
    }


def test_what_was_left_out_is_not_sent() -> None:
    assert Cut.parse(GOOD).to_vendor() == {"videoUrl": SIGNED, "seconds": 9}


def test_vendor_names_are_accepted_too() -> None:
    assert Cut.parse({"videoUrl": SIGNED, "seconds": 9}) == Cut.parse(GOOD)


def test_a_request_is_polled_as_its_operation() -> None:
    assert Cut.parse(GOOD).polled_as == "cut"


def test_a_request_cannot_be_changed() -> None:
    cut = Cut.parse(GOOD)
    with pytest.raises(ValidationError):
        cut.seconds = 10  # type: ignore[misc]  # this is the claim


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"seconds": 0}, "seconds: Input should be greater than or equal to 1"),
        ({"seconds": "long"}, "seconds: "),
        ({"seconds": ""}, "seconds: "),
        ({"video_url": "clip.mp4"}, "video_url: must be an http:// or https:// URL"),
        ({"boxes": [[1, 2], ["x"]]}, "boxes[1][0]: "),
        ({"seconds": 61}, "title: required beyond 60 seconds"),
        ({"boxes": [[1]]}, "boxes: only with a title"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
    ],
)
def test_a_broken_rule_names_field_and_operation(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidRequest) as invalid:
        Cut.parse(GOOD | changes)
    assert invalid.value.message.startswith(f"cut request is not valid: {problem}")


def test_every_broken_field_is_named_at_once() -> None:
    with pytest.raises(InvalidRequest, match=r"video_url: .*; seconds: "):
        Cut.parse({"video_url": "x", "seconds": -1})


def test_a_missing_field_is_named_as_the_user_spells_it() -> None:
    with pytest.raises(InvalidRequest, match="video_url: Field required"):
        Cut.parse({"seconds": 9})


def test_a_refusal_says_what_was_given_without_what_opens_anything() -> None:
    with pytest.raises(InvalidRequest) as invalid:
        Cut.parse(
            GOOD
            | {"seconds": "so\x1b long", "video_url": f"ftp://user:my-secret@host/{'a' * 900}?sign=my-secret"}
            | {"boxes": [{"url": "https://host/clip.mp4?sign=my-secret"}]}
        )
    assert r"(given: 'so\x1b long')" in str(invalid.value)
    assert "(given: 'ftp://host/aaa" in str(invalid.value)
    assert "my-secret" not in str(invalid.value)
    assert len(str(invalid.value)) < 600
    assert invalid.value.__cause__ is None


# -- what templates make of values --------------------------------------------------------------------------


@pytest.mark.parametrize("rendered", ["", "None", None])
def test_an_optional_field_that_renders_to_nothing_is_left_out(rendered: str | None) -> None:
    assert Cut.parse(GOOD | {"title": rendered, "boxes": rendered}) == Cut.parse(GOOD)


@pytest.mark.parametrize("rendered", ["", "None"])
def test_a_mandatory_field_that_renders_to_nothing_is_refused(rendered: str) -> None:
    with pytest.raises(InvalidRequest, match="video_url: must be"):
        Cut.parse(GOOD | {"video_url": rendered})


def test_json_text_is_read_where_a_list_or_object_is_due() -> None:
    cut = Cut.parse(GOOD | {"title": "t", "boxes": " [[1, 2]]", "options": '{"a": null}'})
    assert (cut.boxes, cut.options) == ([[1.0, 2.0]], {"a": None})


def test_json_text_stays_text_where_text_is_due() -> None:
    assert Cut.parse(GOOD | {"title": "[1, 2]"}).title == "[1, 2]"


@pytest.mark.parametrize(
    "broken",
    [
        "[1, 2",
        "{{ still_a_template }}",
        pytest.param("[" * 100_000, id="too deep"),
    ],
)
def test_broken_json_text_is_refused_by_name(broken: str) -> None:
    with pytest.raises(InvalidRequest, match="boxes: "):
        Cut.parse(GOOD | {"title": "t", "boxes": broken})


# -- check_known --------------------------------------------------------------------------------------------

TEMPLATE = "{{ params.x }}"


@pytest.mark.parametrize(
    ("values", "unknown"),
    [
        (GOOD, []),
        (GOOD | {"seconds": TEMPLATE}, ["seconds"]),
        ({"video_url": TEMPLATE, "seconds": TEMPLATE}, ["video_url", "seconds"]),
        (GOOD | {"boxes": TEMPLATE, "title": TEMPLATE}, ["boxes", "title"]),
        (GOOD | {"seconds": 61, "title": TEMPLATE}, ["title"]),
    ],
)
def test_what_is_rendered_later_is_not_judged_yet(values: dict[str, Any], unknown: list[str]) -> None:
    Cut.check_known(values, unknown)


@pytest.mark.parametrize(
    ("values", "unknown", "problem"),
    [
        (GOOD | {"seconds": 0}, [], "seconds: "),
        ({"video_url": TEMPLATE, "seconds": 0}, ["video_url"], "seconds: "),
        ({"video_url": TEMPLATE, "seconds": 61}, ["video_url"], "title: required"),
        ({"video_url": TEMPLATE, "seconds": 9, "boxes": [[1]]}, ["video_url"], "boxes: only"),
        (GOOD | {"seconds": TEMPLATE, "boxes": [[1]]}, ["seconds"], "boxes: only"),
    ],
)
def test_a_broken_literal_is_refused_beside_templates(values: dict[str, Any], unknown: list[str], problem: str) -> None:
    with pytest.raises(InvalidRequest) as invalid:
        Cut.check_known(values, unknown)
    assert invalid.value.message.startswith(f"cut request is not valid: {problem}")


def test_every_broken_rule_over_literals_is_reported_beside_templates() -> None:
    values = {"video_url": TEMPLATE, "seconds": 61, "boxes": [[1]]}
    with pytest.raises(InvalidRequest, match="title: required beyond 60 seconds; boxes: only with a title"):
        Cut.check_known(values, ["video_url"])


def test_a_rule_over_a_field_that_is_rendered_later_is_not_judged_yet() -> None:
    # the raw template is a good text for "title", so only the rule could object
    class Quiet(JobRequest):
        operation: ClassVar[str] = "quiet"
        title: str | None = None
        rules = (Rule(("title",), "title: must be absent", lambda title: title is None),)

    Quiet.check_known({"title": TEMPLATE}, ["title"])


# -- web addresses ------------------------------------------------------------------------------------------

web_url: TypeAdapter[str] = TypeAdapter(WebUrl)


@pytest.mark.parametrize("address", [SIGNED, "HTTP://host/x", "http://127.0.0.1:8080", "https://h?q=%00"])
def test_an_address_is_kept_as_it_was_given(address: str) -> None:
    assert web_url.validate_python(address) == address


@pytest.mark.parametrize(
    "address", ["", "host/x", "ftp://host/x", "s3://bucket/key", "https://", "http:///", "//host/x", 7, None]
)
def test_what_a_vendor_cannot_fetch_is_refused(address: Any) -> None:
    with pytest.raises(ValidationError):
        web_url.validate_python(address)


# -- anything at all ----------------------------------------------------------------------------------------

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(
    values=st.dictionaries(st.sampled_from(sorted(Cut.model_fields)) | st.text(max_size=4), ANYTHING),
    unknown=st.sets(st.sampled_from(sorted(Cut.model_fields))),
)
def test_any_values_pass_or_are_refused_as_an_invalid_request(values: dict[str, Any], unknown: set[str]) -> None:
    with suppress(InvalidRequest):
        Cut.check_known(values, unknown)
    with suppress(InvalidRequest):
        assert Cut.parse(values).to_vendor().keys() >= {"videoUrl", "seconds"}
