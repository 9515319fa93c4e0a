# SPDX-License-Identifier: Apache-2.0
"""Reading text from outside takes time that grows with its length, and no faster, whatever is in it.

Measured as a ratio: twice the text takes twice the processor time, while a quadratic search takes four times as much.
"""

from __future__ import annotations

import contextlib
import gc
import io
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from airflow_provider_videoai.files.lineage import report_lineage
from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.submission.fingerprint import fingerprint_of
from airflow_provider_videoai.jobs.values.printable import printable
from airflow_provider_videoai.jobs.values.scrub import clean
from airflow_provider_videoai.media.check import check_subtitles
from airflow_provider_videoai.media.cues import Layout, layout_cues
from airflow_provider_videoai.media.subtitles import NoCues, SubtitleFormat, parse, serialize, to_vtt
from airflow_provider_videoai.media.words import parse_words
from airflow_provider_videoai.plugin.wording import shown, spoken, unsigned
from airflow_provider_videoai.tasks.job_ids import job_ids_of
from airflow_provider_videoai.transfers.destination import check_template, results_of
from airflow_provider_videoai.vendors.viitor import ViiTor

LEAST, MOST = 1024, 256 * 1024
ENOUGH_SECONDS = 0.01
HOSTILE = [
    "<p",
    "<a",
    "</a",
    "<",
    "{\\",
    "{",
    "{\\a}",
    "\\N",
    "00:00:00,000 --> 00:00:01,000\n",
    "00:00:00,000 --> 00:00:01,000\n1\n",
    "00:00:00,000 --> 00:00:01,000\n<a",
    "00:00:00,000 -->",
    "00:00:00,000 ",
    "00:",
    "1\n",
    "9",
    "\n",
    "\r\n",
    "\r",
    " ",
    "\t\n",
    "-->",
    "&",
    "http://",
    "http://a@",
    "http://a?b#",
    "://?",
    "?a=b&",
    "a" * 39 + " ",
    "Aa1+/_-=",
    "[",
    "['",
    "{'a':",
    '{"a":',
    "-",
    "1+",
    "\\",
    "'a'",
    "(",
    "{}",
    "{{",
    "{a",
    "\x1b",
    "\ud800",
    "%41",
]


def subtitled(text: str) -> None:
    parse(f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n")


def both(text: str) -> None:
    for form in SubtitleFormat:
        serialize(parse(f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n"), form)


READERS: dict[str, Callable[[str], Any]] = {
    "subtitles": parse,
    "subtitles of a cue": subtitled,
    "subtitles written": both,
    "subtitles of the page": to_vtt,
    "subtitles checked": lambda text: check_subtitles(io.BytesIO(text.encode(errors="replace"))),
    "message": clean,
    "printable": printable,
    "fingerprint": lambda text: fingerprint_of("viitor", "c", "o", {"url": f"https://a/?{text}".replace("\ud800", "")}),
    "job ids": lambda text: job_ids_of(text, ViiTor),
    "job ids of a list": lambda text: job_ids_of(f"[{text}", ViiTor),
    "results": results_of,
    "path": lambda text: check_template("destination", f"file:///{text}"),
    "lineage": lambda text: report_lineage(object(), inputs=[f"https://a/{text}"]),
    "page, a text": shown,
    "page, URLs": unsigned,
    "page, SSML": lambda text: spoken(f"<speak>{text}"),
}


def sentence(words: list[str], *, shown: str | None = None, each: int = 0) -> list[dict[str, Any]]:
    timed = [{"Word": word, "StartTimestamp": n * each, "EndTimestamp": (n + 1) * each} for n, word in enumerate(words)]
    return [{"Sentence": "".join(words) if shown is None else shown, "Words": timed}]


SPEECH: dict[str, Callable[[int], list[dict[str, Any]]]] = {
    "no width, no time": lambda n: sentence(["\u200b\u0301"] * n),
    "no width, spaced": lambda n: sentence(["\u0301"] * n, shown=" ".join(["\u0301"] * n)),
    "glued": lambda n: sentence(["ab"] * n, each=100),
    "wide": lambda n: sentence(["你"] * n, each=100),
    "spaced": lambda n: sentence(["ab"] * n, shown=" ".join(["ab"] * n), each=3_000_000),
    "not shown": lambda n: sentence(["ab"] * n, shown="aa" * n),
    "last not shown": lambda n: sentence([*["a"] * n, "z"], shown="a" * n),
    "one word": lambda n: sentence(["a" * n]),
    "markup": lambda n: sentence(["{\\p1}" * n, "<a" * n]),
    "marks": lambda n: sentence(["."] * n),
    "brackets": lambda n: sentence(["a" + ")" * n, "b" + "(" * n]),
    "many sentences": lambda n: sentence(["a"]) * n,
    "one time": lambda n: sentence(["a"] * n, shown=" ".join("a" * n)),
}


def seconds(work: Callable[[], Any]) -> float:
    """Return the processor time of a piece of work, the least of three."""
    found = []
    gc.disable()
    try:
        for _ in range(3):
            began = time.process_time()
            with contextlib.suppress(VideoAIError, NoCues):
                work()
            found.append(time.process_time() - began)
    finally:
        gc.enable()
    return min(found)


def assert_linear(work: Callable[[int], Callable[[], Any]], most: int) -> None:
    """Double the size until it takes long enough to be measured, then once more."""
    size = LEAST
    while (took := seconds(work(size))) < ENOUGH_SECONDS and size < most:
        size *= 2
    if took >= ENOUGH_SECONDS:
        ratios = []
        for _ in range(3):  # another process may have the caches
            ratios.append(seconds(work(2 * size)) / took)
            if ratios[-1] < 3:
                return
            took = seconds(work(size))
        pytest.fail(f"twice of {size} takes {min(ratios):.1f} times as long ({took:.3f} s)")


def read_text(reader: str, piece: str, size: int) -> Callable[[], Any]:
    return partial(READERS[reader], piece * (size // len(piece)))


@pytest.mark.parametrize("reader", READERS)
def test_text_from_outside_is_read_in_linear_time(reader: str) -> None:
    for piece in HOSTILE:
        assert_linear(partial(read_text, reader, piece), MOST)


@pytest.mark.parametrize("kind", SPEECH)
def test_speech_is_laid_out_in_linear_time(kind: str) -> None:
    def work(size: int) -> Callable[[], Any]:
        words = SPEECH[kind](size)
        return lambda: [serialize(layout_cues(parse_words(words), Layout()), form) for form in SubtitleFormat]

    assert_linear(work, MOST // 8)
