# SPDX-License-Identifier: Apache-2.0
"""Everything that one sandbox remembers, and the one way by which a vendor accepts a job."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from airflow_provider_videoai.sandbox.clock import Clock, Durations
from airflow_provider_videoai.sandbox.faults import JOB_FAULTS, CallKind, FaultKind, Faults
from airflow_provider_videoai.sandbox.jobs import ConcurrencyGroup, Job, JobRegistry, Outcome
from airflow_provider_videoai.sandbox.ledger import Ledger
from airflow_provider_videoai.sandbox.media.inpainter import Inpainter
from airflow_provider_videoai.sandbox.media.rendered import Rendered, Stop
from airflow_provider_videoai.sandbox.media.store import MediaStore
from airflow_provider_videoai.sandbox.shapes import ResponseShapes

RENDER_THREADS = 2

_OUTCOMES = {
    FaultKind.FAIL_JOB: Outcome.FAIL,
    FaultKind.ABORT_JOB: Outcome.ABORT,
    FaultKind.NEVER_ENDS: Outcome.NEVER_ENDS,
    FaultKind.LOSE_JOB: Outcome.LOST,
}

Render = Callable[[Stop], Rendered]


class SandboxState:
    """State of one sandbox. It is changed on the event loop only; render threads touch nothing but their files.

    ``root`` is a private directory that :meth:`close` removes.
    """

    def __init__(self, root: Path, durations: Durations) -> None:
        self.root = root
        self.clock = Clock(durations)
        self.ledger = Ledger()
        self.faults = Faults()
        self.shapes = ResponseShapes()
        self.jobs = JobRegistry(self.clock)
        self.store = MediaStore(root)
        self.inpainter = Inpainter(self.store)
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
        group: ConcurrencyGroup | None = None,
    ) -> Job:
        """Accept a job: settle its outcome, start rendering (unless it will not succeed anyway), and book it."""
        fault = self.faults.claim(vendor, call, JOB_FAULTS)
        durations = self.clock.durations(vendor)
        job = Job(
            vendor=vendor,
            operation=operation,
            job_id=job_id,
            submitted=self.clock.now(vendor),
            queue_seconds=durations.queue_seconds,
            run_seconds=durations.run_seconds,
            owner=owner,
            group=group,
            outcome=_OUTCOMES[fault.kind] if fault else Outcome.RENDER,
            fail_code=fault.code if fault else None,
        )
        if job.outcome is Outcome.RENDER:
            self._start(job, render)
        self.jobs.add(job)
        return job

    def _start(self, job: Job, render: Render) -> None:
        def note_end(_: Future[Rendered]) -> None:
            job.rendered_at = self.clock.now(job.vendor)

        job.rendering = self._pool.submit(render, self._stop)
        job.rendering.add_done_callback(note_end)
