# SPDX-License-Identifier: Apache-2.0
"""An account's login and password in what a vendor sends back."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.protocol.redaction import Redaction

LOGIN, PASSWORD = "acme-login/9z8y", 'k3y+with/odd="chars'


def masked(value: Any, login: str = LOGIN, password: str = PASSWORD) -> Any:
    body = json.dumps(value).encode()
    return Redaction(login, password).masked(body, value)


def basic(login: str, password: str) -> str:
    return base64.b64encode(f"{login}:{password}".encode()).decode()


ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "url": lambda secret: quote(secret, safe=""),
    "url, path": quote,
    "url, form": quote_plus,
    "url, lower case": lambda secret: re.sub("%..", lambda found: found[0].lower(), quote(secret, safe="")),
    "json": lambda secret: json.dumps(secret)[1:-1],
    "html": html.escape,
    "capitals": str.upper,
    "hex": lambda secret: secret.encode().hex(),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode().rstrip("="),
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
@pytest.mark.parametrize("secret", [LOGIN, PASSWORD])
def test_a_secret_is_masked_however_it_is_written(secret: str, encode: Callable[[str], str]) -> None:
    assert encode(secret) not in masked({"a": [{"b": f"no such key {encode(secret)}!"}]})["a"][0]["b"]


@given(st.binary(max_size=12), st.binary(max_size=12))
def test_a_password_is_found_within_base64(before: bytes, after: bytes) -> None:
    seen = masked(base64.b64encode(before + PASSWORD.encode() + after).decode())
    # At either end a character may remain that the secret shares with its neighbours.
    assert "***" in seen
    assert len(seen.replace("***", "")) <= (len(before) + len(after)) * 4 / 3 + 6


def test_a_password_is_masked_in_keys_and_within_words() -> None:
    assert masked({PASSWORD: 1, "b": f"x{PASSWORD}x"}) == {"***": 1, "b": "x***x"}
    assert PASSWORD not in masked({"url": f"https://h/x?key={PASSWORD}"})["url"]


@given(st.text(min_size=1).filter(lambda text: "*" not in text))
def test_no_password_survives_in_any_text(around: str) -> None:
    assert PASSWORD not in masked({"said": around + PASSWORD + around})["said"]


KEPT = [
    "ViiTor_AI_12345678",
    "https://h/12345678/a.mp4",
    "https://h/acme-login/9z8y/a.mp4",
    "acme-login/9z8y-0001",
    "12345678",
]


@pytest.mark.parametrize("login", ["12345678", LOGIN, "a", "42"])
@pytest.mark.parametrize("value", [*KEPT, 42, 12345678, None, True, 4.2, "a", "42", "queued", "1a2b", "data"])
def test_ids_urls_states_and_numbers_are_left_alone(login: str, value: Any) -> None:
    assert masked({"id": value, "said": PASSWORD}, login) == {"id": value, "said": "***"}


@pytest.mark.parametrize("word", ["succeeded", "in_progress"])
def test_a_vendors_word_for_a_state_is_no_secret(word: str) -> None:
    redaction = Redaction(word, word.upper(), spared=frozenset({word}))
    assert redaction.masked(word.encode(), {"state": word}) == {"state": word}


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("user 42 is unknown", "user *** is unknown"),
        ("user '42'.", "user '***'."),
        ("42", "42"),
        ("job 42-7 of 1.42 or x42 or 420", "job 42-7 of 1.42 or x42 or 420"),
        ("unknown user: 42", "unknown user: ***"),
    ],
)
def test_a_short_login_is_masked_as_a_word_of_a_text_only(text: str, seen: str) -> None:
    assert masked({"said": text, "key": PASSWORD}, "42")["said"] == seen


@pytest.mark.parametrize(
    ("value", "seen"),
    [(LOGIN, "***"), (f"key={LOGIN}", "key=***"), (f"no key {LOGIN}x there", "no key ***x there")],
)
def test_a_long_login_is_masked_where_it_is_no_part_of_an_id_or_a_url(value: str, seen: str) -> None:
    assert masked({"said": value})["said"] == seen


def test_a_secret_that_json_escapes_hide_is_found() -> None:
    body = b'{"said": "' + "".join(f"\\u{ord(letter):04x}" for letter in PASSWORD).encode() + b'"}'
    assert Redaction(LOGIN, PASSWORD).masked(body, json.loads(body)) == {"said": "***"}


def test_a_secret_in_another_encoding_is_found() -> None:
    body = json.dumps({"said": LOGIN + " " + PASSWORD}).encode("utf-16")
    assert Redaction(LOGIN, PASSWORD).masked(body, json.loads(body)) == {"said": "*** ***"}


def test_a_text_full_of_a_secret_is_masked_in_one_pass() -> None:
    assert masked({"said": "42 " * 100_000}, "42")["said"] == "*** " * 100_000


def test_a_clean_answer_is_passed_on_as_it_is() -> None:
    answer = {"data": [{"id": "j"}]}
    assert masked(answer) is answer


@pytest.mark.parametrize(("login", "password"), [("", ""), ("", PASSWORD), (LOGIN, "")])
def test_what_is_not_there_masks_nothing(login: str, password: str) -> None:
    assert masked({"said": "nothing at all \\"}, login, password) == {"said": "nothing at all \\"}


def test_neither_shows_in_what_masks_them_nor_in_the_patterns_that_python_remembers() -> None:
    redaction = Redaction(LOGIN, "pass-word-4u1d2e")
    redaction.masked(b"\\", {"said": "x pass-word-4u1d2e"})
    assert LOGIN not in repr(redaction)
    remembered = getattr(re, "_cache", {})
    assert remembered
    assert not [key for key in remembered if "4u1d2e" in str(key)]
