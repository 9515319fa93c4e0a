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
    """What one sandbox remembers: jobs, files, faults, clock and ledger of all vendors.

    It is changed on the event loop only; render threads touch nothing but their files.

    :param root: a private directory, which :meth:`close` removes.
    :param durations: of jobs, which :meth:`reset` returns to.
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
        # A new one, as jobs accepted from here on must not end with the old ones.
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
        # Jobs that wait for a thread are dropped, one that is rendered ends at its next frame: then nothing writes
        # below the root any more.
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
        """Accept a job: decide its outcome, start rendering unless it will not succeed anyway, and register it.

        :param job_id: as the vendor's response names it.
        :param render: makes the media, in a render thread; ends early once its ``Stop`` is set.
        :param call: which faults apply: those injected for a submit, or for a pull.
        :param owner: who may query the job, if the vendor checks that.
        :param group: the jobs with which it shares the vendor's slots; ``None`` starts it without a limit.
        :returns: the job, queued by the vendor's job clock.
        """
        # Decided once, when the vendor accepts: every later status request must agree, however often it is repeated.
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
        # A job that is to fail, or never to end, would occupy a render thread for a file that nobody fetches.
        if job.outcome is Outcome.RENDER:
            self._start(job, render)
        self.jobs.add(job)
        return job

    def _start(self, job: Job, render: Render) -> None:
        def note_end(_: Future[Rendered]) -> None:
            # Runs in the render thread: it stores one value, which the event loop only reads.
            job.rendered_at = self.clock.now(job.vendor)

        job.rendering = self._pool.submit(render, self._stop)
        job.rendering.add_done_callback(note_end)
