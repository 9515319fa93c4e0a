# SPDX-License-Identifier: Apache-2.0
"""What every vendor's sensor does: wait for jobs by their ids, without a worker slot."""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import timedelta
from typing import Any, ClassVar

from airflow.sdk import BaseOperatorLink, BaseSensorOperator, Context, PokeReturnValue
from airflow.triggers.base import StartTriggerArgs
from typing_extensions import override

from airflow_provider_videoai.airflow_compat import AIRFLOW_V_3_3_PLUS, AirflowSensorTimeout, AirflowSkipException
from airflow_provider_videoai.jobs.errors import JobNotFound, JobTimedOut, VideoAIError
from airflow_provider_videoai.jobs.in_flight.keeper import LeaseKeeper
from airflow_provider_videoai.jobs.job_reference import JOB_REFERENCE_KEY
from airflow_provider_videoai.jobs.model import JobResult
from airflow_provider_videoai.jobs.polling.blocking import batches, poll_once
from airflow_provider_videoai.jobs.polling.progress_log import log_long_interval
from airflow_provider_videoai.jobs.polling.throttle import Throttle
from airflow_provider_videoai.jobs.polling.wait_errors import CLEAR_SENSOR, Reason
from airflow_provider_videoai.jobs.polling.watch import Outcome, Watch
from airflow_provider_videoai.links import JOB_LINK, RESULT_LINK, job_url
from airflow_provider_videoai.tasks.airflow_failures import airflow_boundary
from airflow_provider_videoai.tasks.arguments import connection_id, flag, seconds
from airflow_provider_videoai.tasks.connection_fields import UsesAccount
from airflow_provider_videoai.tasks.job_ids import JobIds, job_ids_of
from airflow_provider_videoai.tasks.origins import explained
from airflow_provider_videoai.tasks.own_task import check_own_task
from airflow_provider_videoai.tasks.task_jobs import Jobs, returned
from airflow_provider_videoai.tasks.template_literals import is_rendered_later, plain_source
from airflow_provider_videoai.tasks.templated import JobIds as JobIdsArgument
from airflow_provider_videoai.tasks.templated import Text
from airflow_provider_videoai.tasks.worker_end import ends_in_triggerer
from airflow_provider_videoai.tasks.xcom import named_in_use, push_parts, show
from airflow_provider_videoai.triggers.fresh_start import forget_on_a_worker, left_over
from airflow_provider_videoai.triggers.job import VideoJobTrigger
from airflow_provider_videoai.triggers.resume import results_after

__all__ = ["SensorTimedOut", "VideoJobSensor"]

_BACKSTOP = timedelta(minutes=10)
"""How much later than ``timeout`` Airflow ends the deferral: the trigger's own error says more."""
_UNKNOWN_PAUSE = 15.0
"""Seconds between two polls of an id that is unknown to the vendor, by a sensor that is rescheduled between pokes."""


class SensorTimedOut(JobTimedOut, AirflowSensorTimeout):
    """The sensor's ``timeout`` passed while the job went on. Not retried; the job is billed and may still end."""


class VideoJobSensor(UsesAccount, BaseSensorOperator):
    """Base of the vendors' sensors: wait until every job reached a terminal state, then return its result.

    Returns a :class:`~airflow_provider_videoai.jobs.model.JobResult` as a dict; for a list of ids, a list in the same
    order. Fails with ``JobFailed`` when a job failed; ``soft_fail`` skips instead.

    :param job_id: one id or a list; also the dict that an operator of this package returned. (templated)
    :param conn_id: the Airflow connection of the account. (templated, under the vendor's own name)
    :param deferrable: wait in the triggerer; ``False`` pokes on a worker, by ``mode`` and ``poke_interval``.
    :param poll_interval: fixed time between two status requests (timedelta or seconds), never below the vendor's floor;
        left out, ``poke_interval`` if that is given, else adaptive.
    :param poke_interval: Airflow's own (timedelta or seconds); left out, ``poll_interval`` if that is given.
    :param timeout: Airflow's own: how long to wait (timedelta or seconds), from the start of the wait.
    :param finish_in_triggerer: end a successful task in the triggerer, without a second worker start. Airflow calls no
        listeners of such an end. A task with outlets, ``on_success_callback`` or ``post_execute`` ends on a worker.
    """

    operation: ClassVar[str]
    template_fields: Collection[str] = ("job_id",)

    ui_color = "#e3f0ee"
    operator_extra_links: Collection[BaseOperatorLink] = (JOB_LINK, RESULT_LINK)
    # What the links read; class attributes, since Airflow also makes the links of a task that never began.
    has_job: bool = False
    media_count: int = 0

    def __init__(
        self,
        *,
        job_id: JobIdsArgument,
        conn_id: Text,
        deferrable: bool = True,
        poll_interval: timedelta | float | None = None,
        poke_interval: timedelta | float | None = None,
        timeout: timedelta | float | None = None,
        finish_in_triggerer: bool = False,
        **kwargs: Any,
    ) -> None:
        polled = None if poll_interval is None else seconds("poll_interval", poll_interval)
        poked = None if poke_interval is None else seconds("poke_interval", poke_interval, zero=True)
        waited = None if timeout is None else seconds("timeout", timeout, zero=True)
        own: dict[str, Any] = {"poke_interval": polled if poked is None else poked, "timeout": waited}
        super().__init__(**kwargs, **{name: value for name, value in own.items() if value is not None})
        self.job_id = job_id
        self.conn_id = connection_id(self.hook_class.conn_name_attr, conn_id)
        self.deferrable = flag("deferrable", deferrable)
        self.poll_interval = polled or poked or None
        self.finish_in_triggerer = flag("finish_in_triggerer", finish_in_triggerer)
        self._watches: list[Watch] | None = None
        if not is_rendered_later(job_id):
            self._job_ids()
        if self.deferrable and (start := self._start()):
            self.start_trigger_args = start
            self.start_from_trigger = True

    @override
    def text_fields(self) -> Collection[str]:
        return (self.hook_class.conn_name_attr,)

    @override
    def render_template(self, content: Any, context: Any, jinja_env: Any = None, seen_oids: Any = None) -> Any:
        if isinstance(content, str) and self._is_text_field(content):
            return super().render_template(content, context, jinja_env, seen_oids)
        # Rendered natively, ids may come as the list or the dict that they are; a single one must stay as written.
        native = BaseSensorOperator.render_template(self, content, context, jinja_env, seen_oids)
        lost = isinstance(content, str) and isinstance(native, int | float | complex | bytes)
        return self.noted(content, self.render_text(content, context, jinja_env) if lost else native)

    def execute(self, context: Context) -> Any:
        """Wait for the jobs: deferred, or by poking.

        :param context: Airflow's, of the running task.
        :returns: the result as a dict, or a list of them, in the order of the ids.
        :raises JobFailed: if a job failed; with ``soft_fail`` the task is skipped instead.
        :raises SensorTimedOut: if ``timeout`` passed first.
        """
        with airflow_boundary():
            check_own_task(self, context, nested=not self.deferrable)
            self._begin(context)
            # Airflow itself writes links when the worker lets go, which here may be only at the end.
            show(context["ti"], JOB_LINK.xcom_key, job_url(context["ti"]), self.log)
            self.operator_extra_links = ()
            try:
                return super().execute(context)
            except AirflowSensorTimeout as late:
                raise self._timed_out(context, str(late)) from late

    def _begin(self, context: Context) -> None:
        # Ids that cannot be read are an error here, before there is a link to their page.
        self.operator_extra_links = ()
        show(context["ti"], JOB_REFERENCE_KEY, self._jobs(context).reference().to_json(), self.log)
        self.has_job = True
        self.operator_extra_links = (JOB_LINK,)
        if self.deferrable:
            self._defer()
        log_long_interval(self.log, self.poll_interval)

    def _defer(self) -> None:
        deadline = time.time() + self.timeout
        finish = ends_in_triggerer(self, self.finish_in_triggerer, self.log)
        # Here the DAG is whole, as it is not yet when a start in the triggerer is prepared.
        parts = named_in_use(self) if finish and not self.multiple_outputs else None
        given = self._trigger_arguments(finish=finish) | self._named_jobs()
        trigger = VideoJobTrigger(**given, deadline=deadline, parts=parts)
        kept = self._kept_connection()
        self.defer(trigger=trigger, method_name="execute_complete", kwargs=kept, timeout=self._backstop)

    def _start(self) -> StartTriggerArgs | None:
        """Return how to start in the triggerer, without a worker, if that is safe.

        It is for a literal id and for another task's result, at a connection that the DAG file names. A text template
        is not: rendered in the triggerer, one that pulls an XCom hangs for ever on Airflow 3.3. Nor is anything mapped:
        all copies would share one trigger.
        """
        if not AIRFLOW_V_3_3_PLUS or self.get_closest_mapped_task_group() is not None or self._needs_a_worker_first():
            return None
        if is_rendered_later(self.conn_id):
            return None
        if not is_rendered_later(self.job_id):
            jobs = self._named_jobs()
        elif (source := plain_source(self.job_id)) is not None:
            jobs = {"job_ids": "", "source_task_id": source[0], "source_key": source[1]}
        else:
            return None
        given = self._trigger_arguments(finish=ends_in_triggerer(self, self.finish_in_triggerer))
        return StartTriggerArgs(
            trigger_cls=f"{VideoJobTrigger.__module__}.{VideoJobTrigger.__qualname__}",
            trigger_kwargs=given | jobs | {"timeout": self.timeout},
            next_method="execute_complete",
            timeout=self._backstop,
        )

    def _needs_a_worker_first(self) -> bool:
        """Whether something of the user's belongs before the wait, or a limit of Airflow's would count the wait."""
        kind = type(self)
        hooked = kind.pre_execute is not BaseSensorOperator.pre_execute or kind.execute is not VideoJobSensor.execute
        return bool(hooked or self._pre_execute_hook or self.on_execute_callback or self.execution_timeout)

    @property
    def _backstop(self) -> timedelta:
        """Airflow's own timeout; it ends the wait with less to say than ours, so it comes later."""
        return timedelta(seconds=self.timeout) + _BACKSTOP

    def _trigger_arguments(self, *, finish: bool) -> dict[str, Any]:
        return {
            "vendor": self.hook_class.vendor_class.key,
            "operation": self.operation,
            "conn_id": self.conn_id,
            "poll_interval": self.poll_interval,
            "finish": finish,
        }

    def _named_jobs(self) -> dict[str, Any]:
        named = self._job_ids()
        return {"job_ids": " ".join(named.ids), "many": named.many}

    def _job_ids(self) -> JobIds:
        with explained(self.empty_origins):
            return job_ids_of(self.job_id, self.hook_class.vendor_class)

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """Return the results of jobs whose end the trigger saw; Airflow calls it in the resumed task.

        :param context: Airflow's, of the running task.
        :param event: the trigger's; it is checked against an allow-list.
        :raises VideoAIError: if a job failed, the wait timed out, or the vendor cannot be reached.
        """
        with airflow_boundary():
            if left_over(event):
                forget_on_a_worker(context["ti"])
                self._begin(context)
            # The triggerer writes the link "Job" of a wait that began there; of one that could not begin it did not.
            self.operator_extra_links = (JOB_LINK,)
            try:
                jobs = self._jobs(context)
                self.has_job = True
                return self._returned(context, results_after(event, jobs, context["ti"]))
            except VideoAIError as failure:
                raise self._softened(failure) from failure

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Turn Airflow's own deferral timeout into the error that says what became of the jobs.

        :param next_method: as in Airflow's base class, like the other arguments.
        :raises SensorTimedOut: if Airflow's timeout ended the deferral.
        """
        with airflow_boundary():
            try:
                return super().resume_execution(next_method, next_kwargs, context)
            except SensorTimedOut:
                raise
            except AirflowSensorTimeout as late:
                self.has_job = True
                raise self._timed_out(context, f"Airflow's trigger ended with {late}") from late

    def poke(self, context: Context) -> PokeReturnValue:
        """Poll once all jobs that have not ended.

        :param context: Airflow's, of the running task.
        :returns: done when every job ended, with the results.
        :raises JobFailed: if a job failed, once all have ended.
        """
        jobs = self._jobs(context)
        transport = jobs.hook.transport
        if self._watches is None:
            self._watches = jobs.watches()
        waiting = [watch for watch in self._watches if not watch.done]
        throttle = Throttle(transport.rate_limit)
        leases = LeaseKeeper(transport)
        leases.keep(watch.job_id for watch in waiting)
        for batch in batches(waiting, transport.vendor.batch_size):
            poll_once(transport, batch, throttle)
        # The next poke is another process, which does not know since when: a wrong id would be polled until `timeout`.
        while self.reschedule and (unknown := [watch for watch in waiting if _is_unknown(watch)]):
            time.sleep(_UNKNOWN_PAUSE)
            for batch in batches(unknown, transport.vendor.batch_size):
                poll_once(transport, batch, throttle)
        leases.end(watch.job_id for watch in waiting if watch.outcome is Outcome.ENDED)
        leases.write()
        for watch in waiting:
            jobs.log_status(watch)
        if not all(watch.done for watch in self._watches):
            return PokeReturnValue(is_done=False)
        try:
            return PokeReturnValue(is_done=True, xcom_value=self._returned(context, jobs.results(self._watches)))
        except VideoAIError as failure:
            raise self._softened(failure) from failure

    def _timed_out(self, context: Context, said: str) -> SensorTimedOut:
        """Make the error of a wait that Airflow ended, for the first job that has not ended."""
        watch = next((watch for watch in self._watches or () if not watch.done), None)
        job_id = self._job_ids().ids[0] if watch is None else watch.job_id
        refusal = None if watch is None else Reason.of_watch(watch).refusal
        reason = Reason(said=said.rstrip("."), refusal=refusal)
        late = self._jobs(context).error_of(Outcome.TIMED_OUT, job_id, reason)
        return SensorTimedOut(late.message, job_id=late.job_id)

    def _softened(self, failure: VideoAIError) -> Exception:
        if self.soft_fail or self.never_fail:
            # Said here as well: after a deferral Airflow raises its own skip, which lacks the reason.
            self.log.warning("Skipped instead of failed: %s", failure)
            return AirflowSkipException(f"skipped instead of failed: {failure}")
        if type(failure) is JobTimedOut:
            return SensorTimedOut(failure.message, job_id=failure.job_id)
        return failure

    def _returned(self, context: Context, results: list[JobResult]) -> Any:
        self.media_count = sum(result.media_url is not None for result in results)
        self.operator_extra_links = (RESULT_LINK,) if self.media_count else ()
        values = returned(results)
        if self._job_ids().many:
            return values
        (only,) = values
        if not self.multiple_outputs:  # else Airflow pushes them all
            push_parts(self, context["ti"], only)
        return only

    def _jobs(self, context: Context) -> Jobs:
        return Jobs(
            hook=self._hook(),
            operation=self.operation,
            job_ids=self._job_ids().ids,
            log=self.log,
            poll_interval=self.poll_interval,
            to_wait_longer=CLEAR_SENSOR,
            task_instance=context["ti"],
        )


def _is_unknown(watch: Watch) -> bool:
    return not watch.done and isinstance(watch.error, JobNotFound)
