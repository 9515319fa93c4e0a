# SPDX-License-Identifier: Apache-2.0
"""Everything that one sandbox remembers, and the one way by which a vendor accepts a job."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from airflow_provider_videoai.sandbox.clock import Clock, Durations
from airflow_provider_videoai.sandbox.faults import OF_JOBS, CallKind, Faults, Kind
from airflow_provider_videoai.sandbox.jobs import Fate, Job, JobBook, Lane
from airflow_provider_videoai.sandbox.ledger import Ledger
from airflow_provider_videoai.sandbox.media.outcome import Rendered, Stop
from airflow_provider_videoai.sandbox.media.repainter import Repainter
from airflow_provider_videoai.sandbox.media.store import MediaStore
from airflow_provider_videoai.sandbox.shapes import Shapes

RENDER_THREADS = 2

_FATES = {
    Kind.FAIL_JOB: Fate.FAIL,
    Kind.ABORT_JOB: Fate.ABORT,
    Kind.NEVER_ENDS: Fate.ENDLESS,
    Kind.LOSE_JOB: Fate.LOST,
}

Render = Callable[[Stop], Rendered]


class World:
    """State of one sandbox. It is changed on the event loop only; render threads touch nothing but their files.

    ``root`` is a private directory that :meth:`close` removes.
    """

    def __init__(self, root: Path, durations: Durations) -> None:
        self.root = root
        self.clock = Clock(durations)
        self.ledger = Ledger()
        self.faults = Faults()
        self.shapes = Shapes()
        self.jobs = JobBook(self.clock)
        self.store = MediaStore(root)
        self.repainter = Repainter(self.store)
        self._pool = ThreadPoolExecutor(RENDER_THREADS, thread_name_prefix="sandbox-render")
        self._stop = Stop()

    def reset(self) -> None:
        """Return to the state at the start; rendering in flight is cancelled."""
        self._stop.set()
        self._stop = Stop()
        self.clock.reset()
        self.faults.clear()
        self.shapes.clear()
        self.ledger.clear()
        self.jobs.clear()
        self.store.clear()

    def close(self) -> None:
        """End rendering and remove every file."""
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(self.root, ignore_errors=True)

    def accept(
        self,
        vendor: str,
        operation: str,
        job_id: str,
        render: Render,
        *,
        call: CallKind = CallKind.SUBMIT,
        owner: str = "",
        lane: Lane | None = None,
    ) -> Job:
        """Accept a job: settle its fate, start rendering (unless it will not succeed anyway), and book it."""
        fault = self.faults.claim(vendor, call, OF_JOBS)
        durations = self.clock.durations(vendor)
        job = Job(
            vendor=vendor,
            operation=operation,
            job_id=job_id,
            submitted=self.clock.now(vendor),
            queue_seconds=durations.queue_seconds,
            run_seconds=durations.run_seconds,
            owner=owner,
            lane=lane,
            fate=_FATES[fault.kind] if fault else Fate.RENDER,
            fail_code=fault.code if fault else None,
        )
        if job.fate is Fate.RENDER:
            self._start(job, render)
        self.jobs.add(job)
        return job

    def _start(self, job: Job, render: Render) -> None:
        def note_end(_: Future[Rendered]) -> None:
            job.rendered_at = self.clock.now(job.vendor)

        job.rendering = self._pool.submit(render, self._stop)
        job.rendering.add_done_callback(note_end)
