# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videoai.plugin.wording import is_url, kind_of, rows_of, shown, spoken, unsigned


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no address here", "no address here"),
        ("at https://a.example/b.mp4?sign=abc&x=1 now", "at https://a.example/b.mp4 now"),
        ("https://a.example/b#secret", "https://a.example/b"),
        ("https://a.example/unguessable/token/b.mp4", "https://a.example/…/b.mp4"),
        ("https://a.example", "https://a.example"),
        ("https://user:secret@a.example/b", "https://a.example/b"),
        ("https://user:se@cret@a.example/b", "https://a.example/b"),
        ("HTTPS://a.example/b.mp4?sign=secret", "HTTPS://a.example/b.mp4"),
        ("see Https://a.example/b.mp4?sign=secret", "see Https://a.example/b.mp4"),
        ("https://a.example/it's.mp4?sign=secret", "https://a.example/it's.mp4"),
        ("at https://a.example/it's.mp4?sign=secret now", "at https://a.example/it's.mp4 now"),
        ("cannot read 'https://a.example/b.mp4?sign=secret'.", "cannot read 'https://a.example/b.mp4'."),
        ('https://a.example/a"b.mp4?sign=secret', 'https://a.example/a"b.mp4'),
        (r'{"url":"https:\/\/a.example\/b.mp4?sign=secret"}', '{"url":"https://a.example/b.mp4"}'),
        (
            '{"u": "http://a.example/?k=v", "v": "https://b.example/?k=v"}',
            '{"u": "http://a.example/", "v": "https://b.example/"}',
        ),
    ],
)
def test_an_address_loses_what_signs_it(text: str, expected: str) -> None:
    assert unsigned(text) == expected


def test_a_long_text_is_cut() -> None:
    assert len(shown("x" * 10_000)) == 301


def test_what_a_vendor_said_becomes_rows_of_text_without_signatures() -> None:
    details = {"n": 1, "none": None, "empty": "", "list": [1, {"url": "https://a.example/x?Signature=s"}], "é": "<b>"}
    assert rows_of(details) == [("n", "1"), ("list", '[1, {"url": "https://a.example/x"}]'), ("é", "<b>")]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("updateTime", 1_778_486_400_000, "2026-05-11T08:00:00+00:00"),
        ("uploadTime", "1778486400", "2026-05-11T08:00:00+00:00"),
        ("created_at", 1_778_486_400.5, "2026-05-11T08:00:00+00:00"),
        ("timestamp", "1778486400000", "2026-05-11T08:00:00+00:00"),
        ("videoId", 1_778_486_400, "1778486400"),
        ("waitTime", 12, "12"),
        ("bedTime", True, "true"),
        ("updateTime", 10**400, "1" + "0" * 299 + "…"),
        ("updateTime", float("nan"), "NaN"),
        ("updateTime", "2026-05-11 08:00:00", "2026-05-11 08:00:00"),
    ],
)
def test_a_number_that_is_a_time_is_shown_as_one(name: str, value: Any, expected: str) -> None:
    assert rows_of({name: value}) == [(name, expected)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<speak>Hello</speak>", "Hello"),
        (' <speak version="1.1">A<break time="1s"/>b &lt; c\n<phoneme ph="x">d</phoneme></speak>', "A b < c d"),
        ("<s>a < b</s>", "<s>a < b</s>"),
        ("a <speak>", "a <speak>"),
    ],
)
def test_of_ssml_the_words_are_shown(text: str, said: str) -> None:
    assert spoken(text) == said


@pytest.mark.parametrize("details", [None, "text", [1], 3])
def test_what_is_no_dict_has_no_rows(details: Any) -> None:
    assert rows_of(details) == []


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("https://a.example/b", True),
        ("http://127.0.0.1:80/b", True),
        ("javascript:alert(1)", False),
        ("file:///etc/passwd", False),
        ("//a.example/b", False),
        ("https://", False),
        ("https://[broken/b", False),
        ("", False),
        (None, False),
        (7, False),
    ],
)
def test_a_browser_is_sent_to_web_addresses_only(value: Any, good: bool) -> None:
    assert is_url(value) is good


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://a.example/b.MP3?x=.mp4", "audio"),
        ("https://a.example/b.png", "image"),
        ("https://a.example/b.mp4", "video"),
        ("https://a.example/b", "video"),
    ],
)
def test_the_kind_of_media_is_recognized_by_its_name(url: str, kind: str) -> None:
    assert kind_of(url) == kind


def test_where_a_text_is_cut_no_part_of_a_url_is_left_that_must_not_be_shown() -> None:
    url = "https://media.example/secret/secret/secret?sign=secret "
    for length in range(3900, 4000, 7):
        assert "secret" not in shown(f"{'https://h/a/b?c ' * (length // 16)}{'x' * (length % 16)} {url * 9}")


@pytest.mark.parametrize("text", ["a\x1b[2J", "\u202etxt", "\ud800"])
def test_what_is_shown_can_be_encoded_and_forges_nothing(text: str) -> None:
    assert shown(text).isprintable()
    assert shown({"a": text}).isprintable()


@pytest.mark.parametrize("url", ["http://h/\ud800", "http://h/\r\nSet-Cookie: a", "http://[", "http://h/" + "x" * 9000])
def test_what_no_browser_can_be_sent_to_is_no_url(url: str) -> None:
    assert not is_url(url)
