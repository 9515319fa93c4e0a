# SPDX-License-Identifier: Apache-2.0
"""How long jobs take, and a job clock that can be advanced."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from airflow_provider_videoai.sandbox.credentials import CREDENTIALS


@dataclass(frozen=True)
class Durations:
    """How long a job waits in the vendor's queue and how long it runs then, in seconds."""

    queue_seconds: float = 1.5
    run_seconds: float = 4.0


class Clock:
    """The job clock of each vendor.

    It never touches the wall clock, which signatures are checked against.

    :param durations: those that :meth:`reset` returns to.
    """

    def __init__(self, durations: Durations) -> None:
        self._initial = durations
        self.reset()

    def reset(self) -> None:
        """Forget every setting, and the time advanced: no job is left that has seen it."""
        self._durations = dict.fromkeys(CREDENTIALS, self._initial)
        self._advanced = dict.fromkeys(CREDENTIALS, 0.0)

    def now(self, vendor: str) -> float:
        """Return the job time of ``vendor`` in seconds; only differences mean anything.

        :param vendor: its key.
        """
        # Monotonic, as a job must neither end early nor go back to the queue when the machine's time is set.
        return time.monotonic() + self._advanced[vendor]

    def durations(self, vendor: str) -> Durations:
        """Return how long a job that is submitted to ``vendor`` now will take.

        :param vendor: its key.
        """
        return self._durations[vendor]

    # Jobs in flight keep the durations that they were accepted with: a test that changes them for its next job must not
    # end the one before.
    def change(self, vendor: str | None, queue_seconds: float | None, run_seconds: float | None) -> None:
        """Set durations of jobs submitted from now on.

        :param vendor: one vendor; ``None``: all.
        :param queue_seconds: ``None`` leaves it as it is.
        :param run_seconds: ``None`` leaves it as it is.
        """
        for key in [vendor] if vendor else list(CREDENTIALS):
            old = self._durations[key]
            self._durations[key] = replace(
                old,
                queue_seconds=old.queue_seconds if queue_seconds is None else queue_seconds,
                run_seconds=old.run_seconds if run_seconds is None else run_seconds,
            )

    def advance(self, vendor: str | None, seconds: float) -> None:
        """Move the jobs in flight forward.

        :param vendor: one vendor; ``None``: all.
        :param seconds: added to what was advanced before.
        """
        for key in [vendor] if vendor else list(CREDENTIALS):
            self._advanced[key] += seconds

    def describe(self) -> dict[str, dict[str, float]]:
        """Return settings by vendor: ``queue_seconds``, ``run_seconds``, ``advanced`` (the sum of all advances)."""
        return {
            key: {
                "queue_seconds": durations.queue_seconds,
                "run_seconds": durations.run_seconds,
                "advanced": self._advanced[key],
            }
            for key, durations in self._durations.items()
        }
