# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextvars import ContextVar

import pytest

from airflow_provider_videoai.jobs.http.blocking_runner import Runner, run

CURRENT: ContextVar[str] = ContextVar("current", default="nobody's")


async def where() -> tuple[int, int, str]:
    return threading.get_ident(), id(asyncio.get_running_loop()), CURRENT.get()


def test_without_a_loop_it_runs_in_the_calling_thread() -> None:
    assert run(where())[0] == threading.get_ident()


async def test_beside_a_running_loop_it_runs_in_another_with_the_callers_context() -> None:
    CURRENT.set("mine")
    with Runner() as runner:
        first, second = runner.run(where()), runner.run(where())
    assert first == second
    assert first[1] != id(asyncio.get_running_loop())
    assert first[2] == "mine"


async def fails() -> None:
    raise LookupError


def test_an_error_comes_out_as_it_is() -> None:
    with pytest.raises(LookupError):
        run(fails())


async def test_an_error_comes_out_of_the_thread_as_it_is() -> None:
    with pytest.raises(LookupError):
        run(fails())


async def test_an_interrupted_caller_cancels_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    started, cancelled = threading.Event(), threading.Event()

    async def endless() -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    def interrupted(_: Future[None]) -> None:
        started.wait()
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(Future, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(endless())
    assert cancelled.is_set()
