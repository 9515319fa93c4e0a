# SPDX-License-Identifier: Apache-2.0
"""Take out of a text from outside what may be secret, and make it fit to be shown."""

from __future__ import annotations

import re

from airflow_provider_videoai.jobs.values.printable import printable
from airflow_provider_videoai.jobs.values.url_secrets import words_without_secrets

__all__ = ["clean", "short"]

_MESSAGE_LENGTH = 300
_WORD_LENGTH = 80
_READ = 100 * _MESSAGE_LENGTH
"""Characters of a message that are looked at."""
_SIGNATURE_LENGTH = 40
_SIGNATURE = re.compile(rf"[A-Za-z0-9+/_-]{{{_SIGNATURE_LENGTH},}}={{0,2}}")


def clean(message: object) -> str:
    """Shorten a vendor's message, make it printable, and take out what may be secret.

    That is the query of a URL and a user in it, and anything like a signature. The account's own secrets were masked
    in the answer as a whole (:mod:`~airflow_provider_videoai.jobs.protocol.redaction`).
    """
    if not message:
        return ""
    text = str(message)[:_READ]
    return printable(_SIGNATURE.sub("***", words_without_secrets(text)))[:_MESSAGE_LENGTH]


def short(value: object) -> str:
    """Write a vendor's code or state as a short text in one line, whatever JSON value it is."""
    if isinstance(value, str) and len(value) < _SIGNATURE_LENGTH and value.isascii() and value.isalnum():
        return value  # nearly every state of every poll
    return clean(value if value is not False and value != 0 else str(value))[:_WORD_LENGTH]
