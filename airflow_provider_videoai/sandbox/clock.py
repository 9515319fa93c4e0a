# SPDX-License-Identifier: Apache-2.0
"""How long jobs take, and a time that can be made to jump."""

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
    """Job time, vendor by vendor. It never touches the wall clock that signatures are checked against."""

    def __init__(self, durations: Durations) -> None:
        self._initial = durations
        self.reset()

    def reset(self) -> None:
        """Forget every setting; time that was jumped over is not given back to anyone, as no job is left."""
        self._durations = dict.fromkeys(CREDENTIALS, self._initial)
        self._advanced = dict.fromkeys(CREDENTIALS, 0.0)

    def now(self, vendor: str) -> float:
        """Job time of ``vendor`` in seconds; only differences mean anything."""
        return time.monotonic() + self._advanced[vendor]

    def durations(self, vendor: str) -> Durations:
        """Return what a job that is submitted to ``vendor`` now will take."""
        return self._durations[vendor]

    def change(self, vendor: str | None, queue_seconds: float | None, run_seconds: float | None) -> None:
        """Set durations of jobs submitted from now on, for one vendor or (``None``) for all."""
        for key in [vendor] if vendor else list(CREDENTIALS):
            old = self._durations[key]
            self._durations[key] = replace(
                old,
                queue_seconds=old.queue_seconds if queue_seconds is None else queue_seconds,
                run_seconds=old.run_seconds if run_seconds is None else run_seconds,
            )

    def advance(self, vendor: str | None, seconds: float) -> None:
        """Let the time of jobs under way jump ahead, for one vendor or (``None``) for all."""
        for key in [vendor] if vendor else list(CREDENTIALS):
            self._advanced[key] += seconds

    def describe(self) -> dict[str, dict[str, float]]:
        """Return settings by vendor: ``queue_seconds``, ``run_seconds``, ``advanced`` (the sum of all jumps)."""
        return {
            key: {
                "queue_seconds": durations.queue_seconds,
                "run_seconds": durations.run_seconds,
                "advanced": self._advanced[key],
            }
            for key, durations in self._durations.items()
        }
