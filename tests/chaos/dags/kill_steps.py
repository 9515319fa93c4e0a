# SPDX-License-Identifier: Apache-2.0
"""Kill this task's process at a chosen step of its life, once; no part of the package."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator

from airflow_provider_videoai.batches import kept
from airflow_provider_videoai.batches.kept import KeptFiles
from airflow_provider_videoai.batches.records import BatchRecords
from airflow_provider_videoai.jobs.http import attempt as exchange
from airflow_provider_videoai.jobs.submission import record_store, submitter
from airflow_provider_videoai.jobs.submission.record import Phase
from airflow_provider_videoai.triggers.batch import VideoBatchTrigger
from airflow_provider_videoai.triggers.job import VideoJobTrigger

Kill = Callable[[], None]


def arm(step: str, marker: Path, *, evict: bool, hold: bool, at: int = 1) -> None:
    """Arrange that this process dies when it comes to ``step`` for the ``at``-th time, unless it did before.

    ``marker`` says that it did.
    ``evict`` kills the supervisor as well, as the loss of a whole worker does: nobody is left to report it to Airflow.
    ``hold`` kills nobody: the process stops at the step until there is a file beside the marker that ends in ``.go``.
    """
    if step == "none" or marker.exists():
        return

    def wait() -> None:
        if not marker.exists():  # a step may come more than once
            marker.touch()
            while not marker.with_suffix(".go").exists():
                time.sleep(0.05)

    times = itertools.count(1)

    def kill() -> None:
        if next(times) != at:
            return
        marker.touch()
        if evict:
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    _STEPS[step](wait if hold else kill)


def _before_the_record(kill: Kill) -> None:
    _around_save(submitter, Phase.SUBMITTING, before=kill)


def _after_the_record(kill: Kill) -> None:
    _around_save(submitter, Phase.SUBMITTING, after=kill)


def _request_sent(kill: Kill) -> None:
    note = exchange.Exchange.note

    def noting(self: Any, event: str, info: Any) -> None:
        note(self, event, info)
        if event.endswith(".send_request_body.complete"):
            kill()

    exchange.Exchange.note = noting  # type: ignore[method-assign]


def _answer_arriving(kill: Kill) -> None:
    exchange.Exchange.add = lambda *_: kill()  # type: ignore[method-assign]


def _before_the_job_id_is_recorded(kill: Kill) -> None:
    _around_save(submitter, Phase.SUBMITTED, before=kill)


def _after_the_job_id_is_recorded(kill: Kill) -> None:
    _around_save(submitter, Phase.SUBMITTED, after=kill)


def _before_the_deferral(kill: Kill) -> None:
    BaseOperator.defer = lambda *_, **__: kill()  # type: ignore[assignment,method-assign]


def _during_the_deferral(kill: Kill) -> None:
    VideoJobTrigger.serialize = lambda *_: kill()  # type: ignore[assignment,method-assign]
    VideoBatchTrigger.serialize = lambda *_: kill()  # type: ignore[assignment,method-assign]


def _before_the_end_is_recorded(kill: Kill) -> None:
    _around_save(record_store, Phase.FINISHED, before=kill)


def _after_the_end_is_recorded(kill: Kill) -> None:
    _around_save(record_store, Phase.FINISHED, after=kill)


def _before(owner: Any, name: str) -> Callable[[Kill], None]:
    """Return a step that is before a function is called."""

    def arrange(kill: Kill) -> None:
        function = getattr(owner, name)

        def killing(*arguments: Any, **named: Any) -> Any:
            kill()
            return function(*arguments, **named)

        setattr(owner, name, killing)

    return arrange


def _before_ends_are_recorded(kill: Kill) -> None:
    _around_ends(before=kill)


def _after_ends_are_recorded(kill: Kill) -> None:
    _around_ends(after=kill)


_STEPS: dict[str, Callable[[Kill], None]] = {
    "starting": lambda kill: kill(),
    "before_record": _before_the_record,
    "after_record": _after_the_record,
    "request_sent": _request_sent,
    "answer_arriving": _answer_arriving,
    "before_job_id_recorded": _before_the_job_id_is_recorded,
    "after_job_id_recorded": _after_the_job_id_is_recorded,
    "before_deferral": _before_the_deferral,
    "during_deferral": _during_the_deferral,
    "resuming": lambda kill: kill(),
    "before_end_recorded": _before_the_end_is_recorded,
    "after_end_recorded": _after_the_end_is_recorded,
    "before_copy": _before(KeptFiles, "keep"),
    "before_sidecar": _before(kept, "_write"),
    "before_ends_recorded": _before_ends_are_recorded,
    "after_ends_recorded": _after_ends_are_recorded,
}

RESUMED_STEPS = (
    "resuming",
    "before_end_recorded",
    "after_end_recorded",
    "before_copy",
    "before_sidecar",
    "before_ends_recorded",
    "after_ends_recorded",
)
"""The steps of a task's second worker segment."""


def _around_save(module: Any, phase: Phase, *, before: Kill | None = None, after: Kill | None = None) -> None:
    save = module.save

    def saving(store: Any, record: Any) -> None:
        if before is not None and record.phase is phase:
            before()
        save(store, record)
        if after is not None and record.phase is phase:
            after()

    module.save = saving


def _around_ends(*, before: Kill | None = None, after: Kill | None = None) -> None:
    end = BatchRecords.end

    def ending(self: BatchRecords, ends: Any) -> None:
        ends = list(ends)
        if ends and before is not None:
            before()
        end(self, ends)
        if ends and after is not None:
            after()

    BatchRecords.end = ending  # type: ignore[method-assign]
