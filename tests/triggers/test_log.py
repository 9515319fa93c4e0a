# SPDX-License-Identifier: Apache-2.0
"""A trigger's lines, and the loop that must not wait for them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.polling.cadence import Cadence
from airflow_provider_videoai.jobs.polling.watch import Watch
from airflow_provider_videoai.triggers.progress_report import Report
from airflow_provider_videoai.triggers.task_log import TriggerLog, log

TRIGGER = ContextVar("TRIGGER", default="")


class Pipe(logging.Handler):
    """Takes nothing in until it is drained."""

    def __init__(self) -> None:
        super().__init__()
        self.drained = threading.Event()
        self.lines: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        assert self.drained.wait(30)
        self.lines.append((TRIGGER.get(), record.getMessage()))


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    logger = logging.getLogger("airflow_provider_videoai.triggers.task_log")
    handler, level = Pipe(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    handler.drained.set()
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_a_full_pipe_does_not_hold_up_the_loop_and_loses_no_line(pipe: Pipe) -> None:
    async def two_triggers() -> None:
        for name in ("a", "b"):
            TRIGGER.set(name)
            log.info("%s waits", name)
            log.warning("%s was refused", name)
        written = asyncio.create_task(log.written())
        await asyncio.sleep(0)
        assert not written.done()
        assert not pipe.lines
        pipe.drained.set()
        await written

    asyncio.run(two_triggers())
    assert pipe.lines == [("a", "a waits"), ("a", "a was refused"), ("b", "b waits"), ("b", "b was refused")]


def test_news_of_a_job_do_not_wait_for_the_log(pipe: Pipe) -> None:
    async def noted() -> None:
        watch = Watch(
            job_id="a", operation="text_removal", submitted_at=0.0, started_at=0.0, cadence=Cadence(floor=1.0)
        )
        report = Report(None, [watch], frozenset({"running"}))
        watch.saw(JobStatus(job_id="a", state=JobState.RUNNING), 1.0, 1.0)
        report(watch)
        assert not pipe.lines
        pipe.drained.set()
        await log.written()

    asyncio.run(noted())
    assert [line for _, line in pipe.lines] == ["text_removal job a: running"]


def test_a_line_tells_what_failed(caplog: pytest.LogCaptureFixture) -> None:
    own = TriggerLog(logging.getLogger("tests.of.a.trigger"))

    async def warned() -> None:
        own.warning("Could not write %r", "progress", exc_info=OSError("no room"))
        await own.written()

    asyncio.run(warned())
    assert [record.filename for record in caplog.records if record.name == "tests.of.a.trigger"] == ["test_log.py"]
    assert "Could not write 'progress'" in caplog.text
    assert "OSError: no room" in caplog.text
