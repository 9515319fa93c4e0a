# SPDX-License-Identifier: Apache-2.0
"""One worker's part of a batch: submit, wait, take in what ended, until all have ended or the trigger is to wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_provider_videoai.batches.batch import Batch
from airflow_provider_videoai.batches.batch_reference import show_counts
from airflow_provider_videoai.batches.report import BatchReport
from airflow_provider_videoai.batches.submits import Submits
from airflow_provider_videoai.batches.waiting import Waiting
from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.polling.wait_errors import GOES_ON

__all__ = ["BatchRun"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRun:
    """What a worker does of a batch.

    :param batch: its items.
    :param submits: of its jobs.
    :param waiting: for its jobs.
    :param report: its manifest.
    :param task_instance: Airflow's.
    :param quota_timeout: seconds for which the vendor may take no job while none is in flight.
    :param defers: whether the trigger may wait in place of this worker.
    :param log: the task's.
    """

    batch: Batch
    submits: Submits
    waiting: Waiting
    report: BatchReport
    task_instance: Any
    quota_timeout: float
    defers: bool
    log: Log

    def go_on(self, event: Any, *, begins: bool) -> bool:
        """Go on until all items have ended, or until the trigger is to wait.

        :param event: the trigger's, if a deferral is over.
        :param begins: whether this is the first worker of the attempt.
        :returns: whether all items have ended.
        :raises VideoAIError: if the attempt cannot go on. The manifest says by then how far it got, and the text how
            many jobs go on.
        """
        try:
            if not begins and self.batch.running:
                self.batch.take_in(self.waiting.ends_of_trigger(event, self.task_instance))
            self._fetch_again()  # before anything is bought
            return self._all_ended(begins=begins)
        except Exception as failure:
            self._ended_early(failure)
            raise

    def _fetch_again(self) -> None:
        """Copy what earlier attempts made to where it is to be now, or was to be and perhaps is."""
        # On this worker: they have ended, and a trigger would wait for the others as well.
        while jobs := self.batch.fetch_again(self.submits.max_in_flight):
            self.batch.take_in(self.waiting.for_ended(jobs))

    def _all_ended(self, *, begins: bool) -> bool:
        batch, submits = self.batch, self.submits
        while True:
            submits.submit()
            self._fetch_again()
            batch.conclude()
            if batch.finished:
                return True
            if submits.submittable:
                continue
            submits.check_capacity(self.quota_timeout)
            if batch.finished:
                return True
            show_counts(self.task_instance, batch, self.log)
            if self.defers and not self.waiting.short:
                self.report.let_go(batch, begins=begins)
                return False
            self.report.noted(batch)
            batch.take_in(self.waiting.on_worker(bounded=self.defers))

    def _ended_early(self, failure: Exception) -> None:
        show_counts(self.task_instance, self.batch, self.log)
        self.report.publish_meanwhile(self.batch)
        if not isinstance(failure, VideoAIError):
            return  # the error that is made of it says by itself that jobs go on
        if running := len(self.batch.running):
            many = "1 job of this batch is" if running == 1 else f"{running:,} jobs of this batch are"
            failure.add(f"{many} in flight: each {GOES_ON}; a retry or a clear of this task attaches to them.")
        if ended := self.batch.in_flight - running:
            failure.add(f"{ended:,} ended meanwhile: a retry or a clear fetches what they made, and pays nothing.")
