# SPDX-License-Identifier: Apache-2.0
"""Say why a database failed, without its own text: that may hold host, user or password."""

from __future__ import annotations

import re

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

__all__ = ["reason_of"]

_KNOWN = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        ("permission denied|command denied|read-only|readonly database", "its login may not write there"),
        (
            'password authentication failed|access denied|no pg_hba.conf entry|role "[^"]*" does not exist',
            "it refuses the login",
        ),
        ('unknown database|database "[^"]*" does not exist', "there is no such database"),
        ('no schema has been selected|schema "[^"]*" does not exist', "there is no such schema"),
        (
            "could not translate host name|unknown (mysql )?server host|resolve host|name or service not known",
            "its host name cannot be resolved",
        ),
        (
            "certificate|(ssl|tls) (error|connection|handshake)|support ssl|ssl is required|tlsv1|insecure transport",
            "its TLS and the connection's do not agree",
        ),
        ("disk is full|no space left", "its disk is full"),
        ("unable to open database file", "its file cannot be opened"),
        ("is not a database|malformed", "its file is no database"),
    )
)
"""What is in the texts of databases and drivers, and what is said in their place; the first one counts."""


def reason_of(failure: BaseException) -> str:
    """Return how a transaction failed, as the end of a sentence about the database.

    :param failure: SQLAlchemy's, or a ``TimeoutError`` of our own.
    """
    error = failure.orig if isinstance(failure, DBAPIError) and failure.orig is not None else failure
    what = " ".join(filter(None, (type(error).__name__, _code_of(error))))
    text = str(error)
    known = next((words for pattern, words in _KNOWN if pattern.search(text)), None)
    if known is not None:
        return f"cannot be used: {known} ({what})"
    # A refusal is an answer: it is not the network that has to be looked at.
    away = isinstance(failure, OperationalError | InterfaceError | TimeoutError)
    return f"{'does not answer' if away else 'cannot be used'}: {what}"


def _code_of(error: BaseException) -> str | None:
    """Return the code by which a database's manual lists an error."""
    for name in ("sqlite_errorname", "sqlstate", "pgcode"):
        if isinstance(code := getattr(error, name, None), str):
            return code
    # MySQL's drivers put the number first.
    number = next(iter(error.args), None)
    return str(number) if type(number) is int else None
