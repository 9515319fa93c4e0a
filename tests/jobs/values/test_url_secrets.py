# SPDX-License-Identifier: Apache-2.0
"""No URL is shown with what opens it, wherever in a text it stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.files.lineage import _public_url
from airflow_provider_videoai.jobs.values.given_value import as_given
from airflow_provider_videoai.jobs.values.scrub import clean
from airflow_provider_videoai.jobs.values.url_secrets import without_secrets, words_without_secrets
from airflow_provider_videoai.plugin.wording import unsigned

EVERY_SCRUBBER = pytest.mark.parametrize(
    "scrub", [without_secrets, words_without_secrets, clean, as_given, unsigned, _public_url]
)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://h/x", "https://h/x"),
        ("https://h/x?sig=1#part", "https://h/x"),
        ("https://h/x#sig", "https://h/x"),
        ("https://me:pw@h/x@2", "https://h/x@2"),
        ("https://me:p@w@h/x", "https://h/x"),
        ("https://h/a b?sig='1' and more", "https://h/a b"),
        ("what? no URL", "what? no URL"),
        ("", ""),
    ],
)
def test_url_loses_user_query_and_fragment(given: str, shown: str) -> None:
    assert without_secrets(given) == shown


def test_what_was_cut_may_be_marked() -> None:
    assert without_secrets("https://h/x?sig=1", "?...") == "https://h/x?..."


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see\n https://h/x?sig=1 now", "see https://h/x now"),
        ("GET /x?sig=1&b=2 failed", "GET /x failed"),
        ("of x?sig=1&u=https://h/y", "of x"),
        ("why? because", "why? because"),
    ],
)
def test_sentence_loses_the_secrets_of_each_url(text: str, shown: str) -> None:
    assert words_without_secrets(text) == shown


SECRET = st.text("sEcRet0", min_size=8, max_size=8)


@EVERY_SCRUBBER
@given(SECRET, st.sampled_from(["https://{}@h/x", "https://u:{}@h/x", "https://u:a@{}@h/x", "https://h/x?s={}"]))
def test_every_text_that_shows_a_url_keeps_the_promise(scrub: Callable[[str], str], secret: str, url: str) -> None:
    assert secret not in str(scrub(url.format(secret)))
