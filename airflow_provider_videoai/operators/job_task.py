# SPDX-License-Identifier: Apache-2.0
"""The life of a job's task: obtain the job once, wait for it without a worker, return its result."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar

from airflow.sdk import BaseOperatorLink, Context
from typing_extensions import override

from airflow_provider_videoai.airflow_compat import TaskDeferralError, TaskDeferralTimeout
from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.jobs.errors import InvalidRequest, JobFailed, QuotaExceeded, VideoAIError
from airflow_provider_videoai.jobs.job_reference import JOB_REFERENCE_KEY, JobReference, source_of
from airflow_provider_videoai.jobs.model import JobResult, JobState, iso_utc
from airflow_provider_videoai.jobs.polling.progress_log import log_long_interval
from airflow_provider_videoai.jobs.polling.wait_errors import GOES_ON
from airflow_provider_videoai.jobs.request import JobRequest
from airflow_provider_videoai.jobs.submission.cancellation import cancel_in_thread
from airflow_provider_videoai.jobs.submission.record import Phase
from airflow_provider_videoai.jobs.submission.record_store import Store, conclude, hand_over, load, take_back
from airflow_provider_videoai.jobs.submission.submitter import SubmittedJob, Submitter
from airflow_provider_videoai.jobs.submission.writer import Writer
from airflow_provider_videoai.links import JOB_LINK, RESULT_LINK, job_url
from airflow_provider_videoai.operators.capacity import wait_for_capacity
from airflow_provider_videoai.tasks.airflow_failures import airflow_boundary
from airflow_provider_videoai.tasks.connection_fields import UsesAccount, optional_connection_in
from airflow_provider_videoai.tasks.earlier_attempts import may_be_forgotten, nobody_had_a_result
from airflow_provider_videoai.tasks.job_lease import job_lease_of
from airflow_provider_videoai.tasks.origins import explained
from airflow_provider_videoai.tasks.own_task import check_own_task
from airflow_provider_videoai.tasks.refusals import shown_refusals
from airflow_provider_videoai.tasks.result_parts import ReturnsParts
from airflow_provider_videoai.tasks.task_jobs import Jobs, returned
from airflow_provider_videoai.tasks.task_state import store_of
from airflow_provider_videoai.tasks.template_literals import is_rendered_later
from airflow_provider_videoai.tasks.worker_end import ends_in_triggerer
from airflow_provider_videoai.tasks.xcom import named_in_use, show
from airflow_provider_videoai.triggers.event import job_id_of, submitted_at_of
from airflow_provider_videoai.triggers.job import VideoJobTrigger
from airflow_provider_videoai.triggers.resume import deferral_error, results_after
from airflow_provider_videoai.triggers.stored_arguments import check_arguments
from airflow_provider_videoai.uploads.media_check import check_fetchable
from airflow_provider_videoai.uploads.signed_inputs import signed_inputs

__all__ = ["JobTask"]

_BACKSTOP = timedelta(minutes=10)
"""How much later than the job's deadline Airflow ends the deferral: the trigger's own error says more."""
_CANCEL_WITHIN = 3.0
"""Seconds; Airflow's supervisor kills a task that has not ended five seconds after SIGTERM."""
_POLLED_AS = "polled_as"
"""The keyword of a deferral that holds the operation to poll the job by."""
_WHATEVER_BECOMES = f"It {GOES_ON} whatever becomes of this task"


class JobTask(UsesAccount, ReturnsParts):
    """Base of :class:`~airflow_provider_videoai.operators.job.VideoJobOperator`, which takes the arguments."""

    request_class: ClassVar[type[JobRequest]]
    source_fields: ClassVar[Sequence[str]] = ()
    """Request fields that say what is worked on; the "Video jobs" page shows the first that is set."""
    template_fields: Collection[str] = ()

    ui_color = "#e8e4f8"
    operator_extra_links: Collection[BaseOperatorLink] = (JOB_LINK, RESULT_LINK)
    # What the links read; class attributes, since Airflow also makes the links of a task that never began.
    has_job: bool = False
    media_count: int = 0

    input_conn_id: Any
    check_inputs: bool
    deferrable: bool
    wait_for_completion: bool
    poll_interval: float | None
    job_timeout: float
    quota_timeout: float
    on_uncertain_submit: str
    on_finished_job: str
    finish_in_triggerer: bool
    cancel_on_kill: bool
    # What on_kill may speak of; it runs in the middle of anything, so it has to find everything here.
    _submitter: Submitter | None = None
    _waiting: Jobs | None = None
    _polled_as: str | None = None

    # -- the request ---------------------------------------------------------------------------------------

    def check_literals(self) -> None:
        """Check the request's fields as far as they are known; the last line of a subclass's ``__init__``."""
        values = self._fields()
        self.request_class.check_known(values, [name for name, value in values.items() if is_rendered_later(value)])

    def _fields(self) -> dict[str, Any]:
        return {name: value for name in self.request_class.model_fields if (value := getattr(self, name)) is not None}

    @override
    def text_fields(self) -> Collection[str]:
        fields, shape = self.request_class.model_fields, self.request_class.shape
        return [name for name in self.template_fields if name not in fields or not shape(name).structured]

    def identified(self, request: JobRequest) -> JobRequest:
        """Return the request with what identifies its inputs, if its fields alone do not.

        The submission record has a fingerprint of what this returns: the same inputs must give the same request in
        every attempt. What is sent is made from it by :meth:`ready`.

        :param request: the validated fields.
        """
        return request

    def ready(self, request: JobRequest, hook: VideoJobHook, store: Store) -> JobRequest:  # noqa: ARG002 - overriders need them
        """Return the request as it is sent. Called only when a job is about to be bought; it must buy nothing.

        :param request: as :meth:`identified` returned it, with inputs in a store as signed URLs.
        :param hook: of the account.
        :param store: the task's state, for what a later attempt should not repeat, such as an upload.
        :raises InvalidRequest: if the inputs break a rule that their fields alone do not show.
        """
        return request

    # -- the task ------------------------------------------------------------------------------------------

    def execute(self, context: Context) -> Any:
        """Obtain the job and wait for it.

        :param context: Airflow's, of the running task.
        :returns: the result as a dict; without ``wait_for_completion``, that of a queued job.
        :raises VideoAIError: one of its subclasses, which says what became of the job and of the money. Those that a
            retry cannot help are also ``AirflowFailException``.
        """
        with airflow_boundary():
            check_own_task(self, context)
            self.operator_extra_links = ()
            return self._run(context)

    def submit_again(self, context: Context, event: Any = None, since: float | None = None, tries: int = 0) -> Any:  # noqa: ARG002 - Airflow passes the event by name
        """Submit again after a pause for a vendor whose queue was full; Airflow calls it in the resumed task.

        :param context: Airflow's, of the running task.
        :param event: of the timer; not used.
        :param since: when the queue was first full, in epoch seconds; ``quota_timeout`` counts from it.
        :param tries: how many submits met a full queue; the backoff grows with it.
        :raises QuotaExceeded: if ``quota_timeout`` has passed.
        """
        with airflow_boundary():
            self.operator_extra_links = ()
            return self._run(context, since, tries)

    def execute_complete(self, context: Context, event: Any = None) -> dict[str, Any]:
        """Return the result of a job whose end the trigger saw; Airflow calls it in the resumed task.

        :param context: Airflow's, of the running task.
        :param event: the trigger's. It is checked against an allow-list, and holds no URL: Airflow logs it in full.
        :raises VideoAIError: if the job failed, timed out, or the vendor cannot be reached.
        """
        with airflow_boundary():
            self.has_job = True
            self.operator_extra_links = ()
            job = self._resumed(context, event)
            jobs = self._jobs(context, job, self._polled_as or self._request().polled_as)
            return self._concluded(context, lambda: results_after(event, jobs, context["ti"]))

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Turn Airflow's own deferral failures into errors that say what became of the job.

        :param next_method: as in Airflow's base class, like the other arguments.
        :raises JobTimedOut: if Airflow's timeout ended the deferral.
        :raises VendorUnavailable: if the trigger itself failed.
        :raises QuotaExceeded: if the deferral waited for capacity, and no job was bought.
        """
        given = dict(next_kwargs or {})
        # Not of the fields: Airflow renders them again, and what they take may be gone by now, or another.
        self._polled_as = given.pop(_POLLED_AS, None)
        with airflow_boundary():
            try:
                return super().resume_execution(next_method, given, context)
            except (TaskDeferralTimeout, TaskDeferralError) as failure:
                raise self._deferral_ended(store_of(context), failure) from failure

    def _deferral_ended(self, store: Store, failure: Exception) -> VideoAIError:
        record, title = take_back(store), self.hook_class.vendor_class.title
        # Airflow does not say which wait it ended; one for capacity comes before there is a job of this attempt.
        if store.lasting and (record is None or record.phase in (Phase.FAILED, Phase.FINISHED)):
            return QuotaExceeded(
                f"Airflow ended the wait for capacity at {title} ({failure}); nothing was sent, nothing was bought. A "
                "retry submits again"
            )
        self.has_job = record is not None and record.job_id is not None
        return deferral_error(failure, str(record.job_id if record else "?"), title)

    def on_kill(self) -> None:
        """Say what is known of the job, and with ``cancel_on_kill`` cancel it.

        Nothing is read from Airflow or stored in it: Airflow calls this amid whatever the task is doing, talking to
        Airflow included.
        """
        if self._submitter is not None and (cut_short := self._submitter.cut_short()):
            self.log.warning("%s", cut_short)
        elif (jobs := self._waiting) is not None and self.cancel_on_kill:
            vendor, job_id = jobs.hook.transport.vendor, jobs.job_ids[0]
            self.log.warning("%s", cancel_in_thread(vendor, jobs.operation, job_id, _CANCEL_WITHIN))
        elif jobs is not None:
            self.log.info(
                "Stopped waiting for job %s. It %s, unless it has ended by now: nothing was cancelled. When this task "
                "runs again, it attaches to it.",
                jobs.job_ids[0],
                GOES_ON,
            )

    def _request(self) -> JobRequest:
        with explained(self.empty_origins):
            return self.request_class.parse(self._fields())

    def _run(self, context: Context, since: float | None = None, tries: int = 0) -> Any:
        vendor, operation = self.hook_class.vendor_class.key, self.request_class.operation
        about = {"vendor": vendor, "operation": operation, "conn_id": self.conn_id}
        with shown_refusals(context["ti"], self.log, **about, source=next(iter(self._sources()), None)):
            job, jobs = self._obtained(context, since, tries)
        return self._follow(context, job, jobs)

    def _obtained(self, context: Context, since: float | None, tries: int) -> tuple[SubmittedJob, Jobs]:
        hook, store = self._hook(), store_of(context, self.log)
        with _naming_an_earlier_job(store):
            request = self.identified(self._request())
        # Before the submit: a deferral that fails after it would leave a paid job without anyone waiting.
        if self.deferrable and self.wait_for_completion:
            self._prove_deferral(context, request.polled_as, hook)
        submitter = self._submitter = Submitter(
            transport=hook.transport,
            store=store,
            log=self.log,
            on_uncertain_submit=self.on_uncertain_submit,
            on_finished_job="reuse" if nobody_had_a_result(context) else self.on_finished_job,
            # Of VideoAIRetryPolicy, if the task has one; Airflow before 3.3 has no policies at all.
            paid_retries=getattr(getattr(self, "retry_policy", None), "paid_retries", None),
            writer=Writer.here(context["ti"].try_number, getattr(context["ti"], "hostname", None)),
            lease=job_lease_of(context, hook.transport, self.request_class.operation, int(self.priority_weight)),
            forgotten=may_be_forgotten(context),
            ready=lambda request: self.ready(self._fetchable(request, hook), hook, store),
        )
        while True:
            try:
                job = submitter.obtain(request)
            except QuotaExceeded as full:
                since = since or time.time()
                wait_for_capacity(self, full, since, tries)
                tries += 1
            else:
                return job, self._jobs(context, job, request.polled_as, hook)

    def _fetchable(self, request: JobRequest, hook: VideoJobHook) -> JobRequest:
        conn_id = optional_connection_in(self, "input_conn_id")
        request = signed_inputs(request, job_timeout=self.job_timeout, conn_id=conn_id)
        if self.check_inputs:
            check_fetchable(request, hook.transport.vendor.account)
        return request

    def _follow(self, context: Context, job: SubmittedJob, jobs: Jobs) -> Any:
        self._waiting = jobs
        self.has_job = True
        # Airflow writes each of these links whenever a worker lets go of the task; what stands already is left out.
        self.operator_extra_links = (JOB_LINK,)
        # First of all: whatever fails after this, a user finds the paid job by it.
        show(context["ti"], "job_id", job.job_id, self.log)
        show(context["ti"], JOB_REFERENCE_KEY, self._job_reference(jobs).to_json(), self.log)
        if not self.wait_for_completion:
            hand_over(store_of(context))
            return self._push_parts(context, self._handed_over(jobs), pushed={"job_id"})
        if (status := job.status) is not None:
            if status.state.terminal:
                jobs.show_end([status])
                return self._concluded(context, lambda: jobs.completed([status]))
            jobs.check_deadline(status)
        log_long_interval(self.log, self.poll_interval)
        if self.deferrable:
            if finish := ends_in_triggerer(self, self.finish_in_triggerer, self.log):
                hand_over(store_of(context))
            trigger, timeout = self._deferral(jobs, finish=finish)
            # Said here as well as by the trigger's on_kill: a task may be ended before its trigger has begun.
            self.log.info(
                "Waiting for job %s in the triggerer. %s; a later attempt attaches to it.",
                job.job_id,
                "It is cancelled if a person ends this task" if self.cancel_on_kill else _WHATEVER_BECOMES,
            )
            kept = self._kept_connection() | {_POLLED_AS: jobs.operation}
            self.defer(trigger=trigger, method_name="execute_complete", kwargs=kept, timeout=timeout)
        # Airflow itself writes links when the worker lets go, which here is only at the end.
        show(context["ti"], JOB_LINK.xcom_key, job_url(context["ti"]), self.log)
        self.operator_extra_links = ()
        return self._concluded(context, lambda: jobs.wait(poll_at_once=not job.fresh))

    def _job_reference(self, jobs: Jobs) -> JobReference:
        return jobs.reference().model_copy(update={"source": source_of(next(iter(self._sources()), None))})

    def _sources(self) -> list[str]:
        # A file of the user's may be given as a path.
        return [str(source) for name in self.source_fields if (source := getattr(self, name))]

    def _handed_over(self, jobs: Jobs) -> dict[str, Any]:
        return JobResult(
            vendor=self.hook_class.vendor_class.key,
            operation=self.request_class.operation,
            job_id=jobs.job_ids[0],
            state=JobState.QUEUED,
            submitted_at=iso_utc(jobs.submitted_at),
        ).to_dict()

    def _prove_deferral(self, context: Context, operation: str, hook: VideoJobHook) -> None:
        """Make the deferral for a job that is not bought yet: what could not be carried must fail before, not after."""
        stand_in = SubmittedJob("unknown", time.time(), fresh=True)
        # Whether the trigger is to end the task makes no difference: a flag, and a text that is made here.
        trigger, _ = self._deferral(self._jobs(context, stand_in, operation, hook), finish=False)
        check_arguments(trigger.arguments)

    def _deferral(self, jobs: Jobs, *, finish: bool) -> tuple[VideoJobTrigger, timedelta]:
        """Return the trigger, and how long Airflow lets it wait."""
        deadline = jobs.deadline or time.time()
        trigger = VideoJobTrigger(
            vendor=self.hook_class.vendor_class.key,
            operation=jobs.operation,
            conn_id=self.conn_id,
            job_ids=jobs.job_ids[0],
            submitted_at=jobs.submitted_at,
            deadline=deadline,
            poll_interval=self.poll_interval,
            finish=finish,
            parts=None if self._parts_asked or not finish else named_in_use(self),
            cancel_on_kill=bool(self.cancel_on_kill),
        )
        return trigger, timedelta(seconds=max(0.0, deadline - time.time())) + _BACKSTOP

    def _resumed(self, context: Context, event: Any) -> SubmittedJob:
        """Find the job again: in the task's state, or in the event on an Airflow that has no such store."""
        # Before anything can fail: an attempt that dies here must not leave a job that counts as used.
        record = take_back(store_of(context))
        job_id = record.job_id if record and record.job_id else job_id_of(event, self.hook_class.vendor_class)
        submitted_at = record.submitted_at if record else submitted_at_of(event)
        return SubmittedJob(job_id, submitted_at or time.time(), fresh=False)

    def _jobs(self, context: Context, job: SubmittedJob, operation: str, hook: VideoJobHook | None = None) -> Jobs:
        return Jobs(
            hook=hook or self._hook(),
            operation=operation,
            job_ids=[job.job_id],
            log=self.log,
            submitted_at=job.submitted_at,
            poll_interval=self.poll_interval,
            deadline=job.submitted_at + self.job_timeout,
            task_instance=context["ti"],
            sources=self._sources(),
        )

    def _concluded(self, context: Context, results: Callable[[], list[JobResult]]) -> dict[str, Any]:
        store = store_of(context)
        try:
            (result,) = results()
        except JobFailed:
            # Kept in the record, so that the next attempt submits again instead of attaching to a failed job.
            conclude(store, failed=True)
            raise
        conclude(store, failed=False, usage=result.usage)
        self.media_count = int(result.media_url is not None)
        if self.media_count:  # else Airflow would write a link that leads nowhere
            self.operator_extra_links = (*self.operator_extra_links, RESULT_LINK)
        (value,) = returned([result])
        return self._push_parts(context, value, pushed={"job_id"})


@contextmanager
def _naming_an_earlier_job(store: Store) -> Iterator[None]:
    """Add to an :class:`InvalidRequest` of the block that an earlier attempt bought a job, if it did."""
    try:
        yield
    except InvalidRequest as wrong:
        record = load(store)
        if record is not None and record.job_id is not None and record.phase is not Phase.FAILED:
            # In place, so that the cause and the traceback stay.
            wrong.message = (
                f"{wrong.message.rstrip('.')}. An earlier attempt submitted job {record.job_id}: once the values are "
                "as they were then, clear this task, and it attaches to it"
            )
            wrong.args = (wrong.message,)
        raise
