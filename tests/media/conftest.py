# SPDX-License-Identifier: Apache-2.0
"""A loopback server whose every byte a test decides, and downloads from it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from airflow_provider_videoai.jobs.http.blocking_runner import run
from airflow_provider_videoai.media import download
from airflow_provider_videoai.media.body import Body
from airflow_provider_videoai.media.download import Download, Rules
from airflow_provider_videoai.media.small_file import MemorySink
from tests.jobs.http.wire import RawServer

Fetch = Callable[..., bytes]


@pytest.fixture
def fetch(raw_server: RawServer, monkeypatch: pytest.MonkeyPatch) -> Fetch:
    """Download what a behaviour serves and return it; ``fresh`` are the URLs that the vendor gives, one after another.

    Nobody waits between tries.
    """
    monkeypatch.setattr(download, "_LONGEST_PAUSE", 0.0)

    def fetch(behave: Callable[..., None], *, max_bytes: int = 10_000_000, fresh: Iterator[str] | None = None) -> bytes:
        raw_server.behave = behave
        urls = fresh or iter([])

        async def renew() -> str:
            return next(urls)

        memory = MemorySink()
        rules = Rules(max_bytes=max_bytes, allow_private=True)
        log = logging.getLogger("transfer")
        body = run(
            Download("media", memory, rules=rules, renew=renew, log=log, report=lambda *_: None).run(
                f"{raw_server.url}/clip.mp4?sign=secret"
            )
        )
        assert isinstance(body, Body)
        return bytes(memory.content)

    return fetch
