# SPDX-License-Identifier: Apache-2.0
"""Take out of a text from outside what may be secret, and make it fit to be shown."""

from __future__ import annotations

import re

from airflow_provider_videoai.jobs.values.printable import printable
from airflow_provider_videoai.jobs.values.url_secrets import words_without_secrets

__all__ = ["clean", "short"]

_MESSAGE_LENGTH = 300
_WORD_LENGTH = 80
# Characters of a message that are searched; the search for secrets comes first, and must not take seconds.
_READ = 100 * _MESSAGE_LENGTH
# From here on a word is taken for a signature: an HMAC-SHA1 has 40 characters in hex, an HMAC-SHA256 44 in base64.
# Ids of jobs stay readable: Tencent's task ids and CDNetworks' transNo have 32.
_SIGNATURE_LENGTH = 40
_SIGNATURE = re.compile(rf"[A-Za-z0-9+/_-]{{{_SIGNATURE_LENGTH},}}={{0,2}}")


def clean(message: object) -> str:
    """Shorten a vendor's message, make it printable, and take out what may be secret.

    That is the query of a URL and a user in it, and anything like a signature. The account's own secrets were masked
    in the answer as a whole (:mod:`~airflow_provider_videoai.jobs.protocol.redaction`).

    :param message: a message of any type: a vendor may send a number or an object instead of text.
    :returns: one line of at most 300 characters; empty for none.
    """
    if not message:
        return ""
    # Secrets first, then the final cut: half of a signature would not be recognised any more.
    text = str(message)[:_READ]
    return printable(_SIGNATURE.sub("***", words_without_secrets(text)))[:_MESSAGE_LENGTH]


def short(value: object) -> str:
    """Return a vendor's code or state as a short text in one line.

    :param value: any JSON value; 0 and false are codes, too.
    :returns: at most 80 characters, without what may be secret.
    """
    if isinstance(value, str) and len(value) < _SIGNATURE_LENGTH and value.isascii() and value.isalnum():
        return value  # nearly every state of every poll
    return clean(value if value is not False and value != 0 else str(value))[:_WORD_LENGTH]
