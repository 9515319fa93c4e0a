# SPDX-License-Identifier: Apache-2.0
"""An Airflow's API for callers that outlast its failures, and the state of its tasks for many rounds at once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from airflow_api import AirflowApi
from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

_POLL_SECONDS = 0.7
log = logging.getLogger(__name__)


def _is_transient(error: BaseException) -> bool:
    """While a part of Airflow is down, callers retry, as people do."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR
    return isinstance(error, httpx.TransportError)


class Patient(AirflowApi):
    """Repeats the calls of Airflow's API while it is down."""

    @retry(retry=retry_if_exception(_is_transient), stop=stop_after_delay(180), wait=wait_fixed(1), reraise=True)
    def api(self, method: str, path: str, **options: Any) -> Any:
        """Call the API; see the base class."""
        return super().api(method, path, **options)

    @retry(retry=retry_if_exception(_is_transient), stop=stop_after_delay(180), wait=wait_fixed(1), reraise=True)
    def xcom(self, *path: Any, **options: Any) -> Any:
        """Return an XCom; see the base class."""
        return super().xcom(*path, **options)

    def begin(self, dag_id: str, run_id: str, conf: Mapping[str, Any]) -> None:
        """Start a run under an id of our own, so that a repeated call starts it once."""
        body = {"logical_date": None, "dag_run_id": run_id, "conf": dict(conf)}
        try:
            self.api("POST", f"/dags/{dag_id}/dagRuns", json=body)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.CONFLICT:
                raise

    def clear(self, dag_id: str, run_id: str) -> None:
        """Clear the tasks of a run, whatever their state, as the button in the UI does."""
        body = {"dry_run": False, "only_failed": False, "dag_run_id": run_id, "reset_dag_runs": True}
        self.api("POST", f"/dags/{dag_id}/clearTaskInstances", json=body)

    def mark_task(self, dag_id: str, run_id: str, state: str) -> None:
        """Mark the task of a run as a user does."""
        self.api("PATCH", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/make", json={"new_state": state})

    def mark_run(self, dag_id: str, run_id: str, state: str) -> None:
        """Mark a run as a user does."""
        self.api("PATCH", f"/dags/{dag_id}/dagRuns/{run_id}", json={"state": state})

    def stored(self, dag_id: str, run_id: str, key: str = "videoai_submission") -> str:
        """Return the path of a state of the task, by default of its submission record."""
        return f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/make/state-store/{key}"


class Tasks:
    """The current state of every round's task, polled by one thread for all."""

    def __init__(self, arena: Patient, dag_ids: list[str]) -> None:
        self._arena = arena
        self._dag_ids = dag_ids
        self._seen: dict[str, tuple[int, dict[str, Any]]] = {}
        self._polls = 0
        self._followed: set[str] = set()
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="tasks", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop polling, and let those go who wait."""
        self._ended.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join()

    def until(self, run_id: str, condition: Callable[[dict[str, Any]], bool], seconds: float) -> dict[str, Any]:
        """Wait until the task of a run meets a condition and return it; raise ``TimeoutError`` after ``seconds``."""
        with self._changed:
            # A poll that began before the caller's last action says nothing about its effect.
            before = self._polls

            def met() -> bool:
                poll, task = self._seen.get(run_id, (0, {}))
                return poll > before and condition(task)

            self._followed.add(run_id)
            try:
                if self._changed.wait_for(lambda: self._ended.is_set() or met(), seconds) and met():
                    return self._seen[run_id][1]
            finally:
                self._followed.discard(run_id)
            _, last = self._seen.get(run_id, (0, {}))
            raise TimeoutError(f"{run_id} was last seen {last.get('state')!r}")

    def _poll(self) -> None:
        while not self._ended.wait(_POLL_SECONDS):
            with self._changed:
                self._polls += 1
                poll, runs = self._polls, sorted(self._followed)
            query = {"dag_ids": self._dag_ids, "dag_run_ids": runs, "task_ids": ["make"], "page_limit": 1000}
            try:
                found = self._arena.api("POST", "/dags/~/dagRuns/~/taskInstances/list", json=query) if runs else {}
            except httpx.HTTPError as error:
                # Those who wait for news of their round complain if none ever comes.
                log.warning("cannot see the tasks: %s", type(error).__name__)
                continue
            with self._changed:
                self._seen |= {task["dag_run_id"]: (poll, task) for task in found.get("task_instances", ())}
                self._changed.notify_all()
