# SPDX-License-Identifier: Apache-2.0
"""Run a DAG to its end, in this process, against the sandbox."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.execution_time import supervisor
from airflow.sdk.execution_time.xcom import XCom
from sqlalchemy import select

from airflow_provider_videoai.operators.job import VideoJobOperator
from airflow_provider_videoai.sandbox import Sandbox
from airflow_provider_videoai.testing.no_waiting import replace_waits
from airflow_provider_videoai.testing.private_airflow import BUNDLE
from airflow_provider_videoai.testing.recording import Recorder
from airflow_provider_videoai.testing.run_result import RunResult, TaskResult

try:
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
except ImportError:  # before 3.2
    from airflow.models.dagbag import (  # type: ignore[no-redef,attr-defined,unused-ignore]
        DagBag,
        sync_bag_to_db,
    )

__all__ = ["find_dag", "run_dag"]

# Airflow before 3.3 builds its API once more for every start of a task.
_api_server = cache(supervisor.in_process_api_server)


def find_dag(dag_id: str, folder: Path) -> DAG:
    """Parse the DAG files of a folder and return a DAG.

    :param dag_id: the id of the DAG.
    :param folder: of the DAG files.
    :raises LookupError: if there is no such DAG; with the errors of files that cannot be imported.
    """
    if not folder.is_dir():
        raise LookupError(
            f"there is no folder {folder} to look for DAG {dag_id!r} in; the setting videoai_dags_folder of pytest "
            "names it, from pytest's root on"
        )
    # DAG files import modules beside them. As in Airflow's processes it stays, for a task may import one when it runs.
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    bag = DagBag(dag_folder=folder)
    found = bag.dags.get(dag_id)
    if found is None:
        there = ", ".join(sorted(bag.dags)) or "no DAG"
        errors = "".join(f"\n{path}: {error}" for path, error in bag.import_errors.items())
        raise LookupError(f"there is no DAG {dag_id!r} in {folder}; there is {there}{errors}")
    return found


def run_dag(
    dag: DAG,
    sandbox: Sandbox,
    *,
    conf: Mapping[str, Any] | None = None,
    logical_date: datetime | None = None,
    mark_success_pattern: str | None = None,
) -> RunResult:
    """Run a DAG to its end; tasks that fail do not raise.

    :param dag: the DAG.
    :param sandbox: where its jobs run.
    :param conf: of the run.
    :param logical_date: of the run; ``None``: now.
    :param mark_success_pattern: a regular expression; tasks whose whole id it matches are not run, but succeed.
    :raises TypeError: if it is no DAG.
    """
    if not isinstance(dag, DAG):
        raise TypeError(
            f"dag must be a DAG, or the id of one, not a {type(dag).__name__}: a function that is decorated with @dag "
            "has to be called"
        )
    recorder = Recorder(sandbox)
    dates: dict[str, Any] = {} if logical_date is None else {"logical_date": logical_date}
    with pytest.MonkeyPatch.context() as patch, _ending_on_workers(dag):
        replace_waits(sandbox, patch)
        patch.setattr(supervisor, "in_process_api_server", _api_server)
        _register(dag)
        with recorder.recording(patch):
            run = dag.test(run_conf=dict(conf or {}), mark_success_pattern=mark_success_pattern, **dates)
    return _result(dag, run, recorder)


@contextmanager
def _ending_on_workers(dag: DAG) -> Iterator[None]:
    """Have every task end on a worker: ``dag.test()`` knows no task that ends in the triggerer."""
    arguments = [getattr(task, "partial_kwargs", vars(task)) for task in dag.tasks]
    ending = [each for each in arguments if each.get("finish_in_triggerer") is True]
    for each in ending:
        each["finish_in_triggerer"] = False
    try:
        yield
    finally:
        for each in ending:
            each["finish_in_triggerer"] = True


def _register(dag: DAG) -> None:
    """Write the DAG to the database, where ``dag.test()`` looks for it before it parses a whole folder."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    DagBundlesManager().sync_bundles_to_db()  # type: ignore[no-untyped-call]
    bag = DagBag(dag_folder=None, collect_dags=False)
    bag.bag_dag(dag)
    sync_bag_to_db(bag, BUNDLE, None)


def _result(dag: DAG, run: Any, recorder: Recorder) -> RunResult:
    xcoms = _xcoms(run)
    order = {task.task_id: place for place, task in enumerate(dag.topological_sort())}  # type: ignore[no-untyped-call]
    tis = sorted(run.get_task_instances(), key=lambda ti: (order.get(ti.task_id, len(order)), ti.map_index))
    return RunResult(
        dag_id=dag.dag_id,
        run_id=run.run_id,
        plain_state=str(run.state),
        tasks=[_task(dag, ti, xcoms.get((ti.task_id, ti.map_index), {}), recorder) for ti in tis],
    )


def _task(dag: DAG, ti: Any, xcoms: dict[str, Any], recorder: Recorder) -> TaskResult:
    attempts = [each for each in recorder.attempts if (each.task_id, each.map_index) == (ti.task_id, ti.map_index)]
    task = dag.task_dict[ti.task_id]
    return TaskResult(
        task_id=ti.task_id,
        map_index=ti.map_index,
        plain_state="none" if ti.state is None else str(getattr(ti.state, "value", ti.state)),
        tries=max((each.number for each in attempts), default=0),
        xcoms=xcoms,
        error=attempts[-1].error if attempts else None,
        log="\n".join(line for each in attempts for line in each.lines),
        charges=[
            {name: bought[name] for name in ("vendor", "operation", "job_id", "request")} | {"attempt": each.number}
            for each in attempts
            for bought in each.bought
        ],
        one_job=issubclass(getattr(task, "operator_class", type(task)), VideoJobOperator),
    )


def _xcoms(run: Any) -> dict[tuple[str, int], dict[str, Any]]:
    """Return what the tasks of a run pushed, by task and map index."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    found: dict[tuple[str, int], dict[str, Any]] = {}
    with create_session() as session:
        of_run = select(XComModel).where(XComModel.dag_id == run.dag_id, XComModel.run_id == run.run_id)
        if (attempt := getattr(XComModel, "task_instance_id", None)) is not None:
            # Airflow 3.4 keeps what earlier attempts pushed; before, each attempt begins without.
            of_run = of_run.where(attempt.in_([ti.id for ti in run.get_task_instances()]))
        for row in session.scalars(of_run):
            value = XCom.deserialize_value(SimpleNamespace(value=row.value))
            found.setdefault((row.task_id, row.map_index), {})[row.key] = value
    return found
