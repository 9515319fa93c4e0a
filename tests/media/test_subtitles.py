# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import html
from typing import Any

import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.media.cues import Cue, Layout, layout_cues
from airflow_provider_videoai.media.subtitles import NoCues, SubtitleFormat, parse, serialize, to_vtt
from airflow_provider_videoai.media.words import parse_words
from tests.support.spoken import speech

CUES = [
    Cue(start=120, end=2000, lines=("Fish & chips,", "<b> is a tag, {this} is none")),
    Cue(start=3_723_004, end=3_725_000, lines=("In the year", "2024")),
]
SRT = """\
1
00:00:00,120 --> 00:00:02,000
Fish & chips,
<b> is a tag, {this} is none

2
01:02:03,004 --> 01:02:05,000
In the year
2024

"""
VTT = """\
WEBVTT

1
00:00:00.120 --> 00:00:02.000
Fish &amp; chips,
&lt;b&gt; is a tag, {this} is none

2
01:02:03.004 --> 01:02:05.000
In the year
2024

"""


def parsed(text: str, form: SubtitleFormat) -> list[Cue]:
    """Read a file as another program does that uses the library."""
    # A last line of digits would be taken for the number of a cue to come.
    file = pysubs2.SSAFile.from_string(f"{text}\n\n0\n", format_=form.removeprefix("."), keep_html_tags=True)
    plain = html.unescape if form is SubtitleFormat.VTT else str
    return [
        Cue(
            start=each.start,
            end=each.end,
            lines=tuple(plain(line).replace("\u2060", "") for line in each.text.split(r"\N")),
        )
        for each in file
    ]


@pytest.mark.parametrize(("form", "text"), [(SubtitleFormat.SRT, SRT), (SubtitleFormat.VTT, VTT)])
def test_cues_are_serialized_as_the_format_requires(form: SubtitleFormat, text: str) -> None:
    assert serialize(CUES, form) == text


@pytest.mark.parametrize("text", [r"a\Nb", r"C:\new", r"\hello", r"{\p1}drawn{\p0}", r"{\i1}", "{}", "a --> b"])
@pytest.mark.parametrize("form", SubtitleFormat)
def test_commands_of_players_are_plain_text(form: SubtitleFormat, text: str) -> None:
    written = serialize([Cue(start=0, end=1000, lines=(text,))], form)
    shown = written.splitlines()[-2].replace("\u2060", "")
    assert (html.unescape(shown) if form is SubtitleFormat.VTT else shown) == text


@given(speech())
def test_serialized_cues_are_parsed_back_the_same(spoken: list[dict[str, Any]]) -> None:
    cues = layout_cues(parse_words(spoken), Layout())
    for form in SubtitleFormat:
        assert parsed(serialize(cues, form), form) == cues


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("s3://b/a.srt", SubtitleFormat.SRT),
        ("file:///a.VTT", SubtitleFormat.VTT),
        ("a.mp4", None),
        ("a.srt.bak", None),
        ("", None),
    ],
)
def test_the_suffix_decides_the_format(path: str, form: SubtitleFormat | None) -> None:
    assert SubtitleFormat.of(path) is form


@pytest.mark.parametrize(
    ("srt", "lines"),
    [
        ("1\n00:00:01,000 --> 00:00:02,000\nOne\ntwo\n", ["One", "two"]),
        ("1\r\n00:00:01,000 --> 00:00:02,000\r\nOne\r\n", ["One"]),
        ("1\n00:00:01,000 --> 00:00:02,000\n<i>One</i> & {\\an8}<font color=red>two</font>", ["One &amp; two"]),
        ("1\n00:00:01,000 --> 00:00:02,000\n3 < 4 {yes}\n", ["3 &lt; 4 {yes}"]),
        ("1\n00:00:01,000 --> 00:00:02,000\nIn the year\n2024", ["In the year", "2024"]),
        ("1\n00:00:01,000 --> 00:00:02,000\n2024\n", ["2024"]),
        ("1\n00:00:01,000 --> 00:00:02,000\n你好。\n", ["你好。"]),
    ],
)
def test_srt_becomes_webvtt_with_the_same_cues_and_no_markup(srt: str, lines: list[str]) -> None:
    head = ["WEBVTT", "", "1", "00:00:01.000 --> 00:00:02.000"]
    assert to_vtt(srt).splitlines() == [*head, *lines, ""]


def test_a_file_of_several_cues_is_converted_as_a_whole() -> None:
    assert to_vtt(SRT) == VTT.replace("&lt;b&gt; is", "is")


def test_converting_twice_changes_nothing() -> None:
    assert to_vtt(to_vtt(SRT)) == to_vtt(SRT)


def test_a_time_without_hours_gets_them() -> None:
    assert "00:00:01.000 --> 00:00:02.000" in to_vtt("00:01.000 --> 00:02.000\nText\n")


def test_text_cannot_pass_for_markup_or_for_a_time() -> None:
    assert to_vtt("1\n00:00:01,0 --> 00:00:02,0\na < b --> c & d\n").endswith("\na &lt; b --&gt; c &amp; d\n\n")


@pytest.mark.parametrize("text", ["", "WEBVTT\n", "Not found", "secret=1", '{"role": "admin"}', "<html>no</html>"])
def test_text_without_a_cue_is_not_converted(text: str) -> None:
    with pytest.raises(NoCues, match="no cue"):
        to_vtt(text)


@pytest.mark.parametrize("text", ["<a", "00:00:01,0 --> ", "\n", "<", "1"])
def test_conversion_takes_linear_time(text: str) -> None:
    assert to_vtt(f"00:00:01,0 --> 00:00:02,0\nHello\n\n00:00:03,0 --> 00:00:04,0\n{text * (1_000_000 // len(text))}")


@pytest.mark.parametrize(
    ("text", "cues"),
    [
        ("00:01.5 --> 00:02.000 align:start\nOne", [(1500, 2000, "One")]),
        ("\ufeffWEBVTT\n\nNOTE a\nb\n\nname\n00:01.000 --> 00:02.000\nOne\n\nNOTE c\nd\n", [(1000, 2000, "One")]),
        (
            "1\n00:00:01,000 --> 00:00:02,000\nOne\n\ntwo\n\n2\n00:00:03,000 --> 00:00:04,000\n3\n",
            [
                (1000, 2000, "One two"),
                (3000, 4000, "3"),
            ],
        ),
        (
            "00:00:01,000 --> 00:00:02,000\n2024\n\n00:00:03,000 --> 00:00:04,000\nx",
            [
                (1000, 2000, "2024"),
                (3000, 4000, "x"),
            ],
        ),
        ("1\n00:00:01,000 --> 00:00:02,000\n\n2\n00:00:03,000 --> 00:00:04,000\nx", [(3000, 4000, "x")]),
        ("1\n00:00:01,000 --> 00:00:02,000\n<i></i>\n", []),
        ("00:01.000 --> 00:02.000\na&amp;b\0<3", [(1000, 2000, "a&amp;b\ufffd<3")]),
        (
            (
                "WEBVTT\n\nSTYLE\n::cue(b) {}\n\n"
                "00:01.000 --> 00:02.000\n<v Bob>1 &lt; 2 &amp;lt; &#39;<00:01.500><b>x</b>\n"
            ),
            [(1000, 2000, "1 < 2 &lt; 'x")],
        ),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\na&#10;&NewLine;&#13;b&#xd800;&none;", [(1000, 2000, "a   b\ufffd&none;")]),
        (f"WEBVTT\n\n00:01.000 --> 00:02.000\n&#{'9' * 5000};", [(1000, 2000, f"&#{'9' * 5000};")]),
        ("a --> b\n99:99 --> \n", []),
    ],
)
def test_files_are_parsed_as_players_do(text: str, cues: list[tuple[int, int, str]]) -> None:
    assert [(cue.start, cue.end, " ".join(cue.lines)) for cue in parse(text)] == cues


@given(st.text(alphabet="<>a/{}\\N0:,.-1 \n\r&;", max_size=200))
def test_a_serialized_file_is_parsed_back_the_same(text: str) -> None:
    cues = parse(f"00:00:01,000 --> 00:00:02,000\n{text}")
    assert all(cue.lines and all(map(str.strip, cue.lines)) for cue in cues)
    once = serialize(cues, SubtitleFormat.VTT)
    assert [(cue.start, cue.end) for cue in parse(once)] == [(cue.start, cue.end) for cue in cues]
    assert parsed_lines(once) == [cue.lines for cue in cues]


def parsed_lines(text: str) -> list[tuple[str, ...]]:
    return [tuple(line.replace("\u2060", "") for line in cue.lines) for cue in parse(text)]
