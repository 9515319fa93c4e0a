# SPDX-License-Identifier: Apache-2.0
"""The fixtures of pytest's plugin ``videoai`` (entry point ``pytest11``).

pytest loads this module in every environment with this package: it does nothing, and imports neither Airflow nor the
sandbox, until a test uses one of its fixtures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from airflow_provider_videoai.testing.run_result import RunResult, explained

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from airflow_provider_videoai.sandbox import Sandbox
    from airflow_provider_videoai.testing.connections import SandboxConnections

__all__ = ["RunDag", "videoai_connections", "videoai_dag_run", "videoai_sandbox"]

_DAGS_FOLDER = "videoai_dags_folder"
_ledgers = count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting of the DAGs' folder."""
    parser.addini(_DAGS_FOLDER, "where videoai_dag_run looks for a DAG that is given by its id", default="dags")


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Show the log of what failed beside a state that is not the expected one."""
    return explained(left, right) if op == "==" else None


class RunDag(Protocol):
    """What the fixture ``videoai_dag_run`` is."""

    def __call__(
        self,
        dag: DAG | str,
        conf: Mapping[str, Any] | None = None,
        *,
        logical_date: datetime | None = None,
        mark_success_pattern: str | None = None,
    ) -> RunResult:
        """Run a DAG to its end, deferrals included; tasks that fail do not raise.

        :param dag: the DAG, or the id of one in the folder of the setting ``videoai_dags_folder``.
        :param conf: of the run.
        :param logical_date: of the run; ``None``: now.
        :param mark_success_pattern: a regular expression; tasks whose whole id it matches succeed without being run.
        :returns: states, XComs, logs and charges.
        :raises LookupError: if there is no DAG of that id.
        :raises TypeError: if it is neither a DAG nor an id.
        """
        ...


@pytest.fixture(scope="session")
def _videoai_sandbox() -> Iterator[Sandbox]:
    try:
        from airflow_provider_videoai.sandbox import running_sandbox

        running = running_sandbox(queue_seconds=2, run_seconds=8)
    except ImportError as missing:
        pytest.fail(
            "the fixtures of airflow-provider-videoai need its extra: "
            f"pip install 'airflow-provider-videoai[sandbox]' ({missing})",
            pytrace=False,
        )
    with running as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def _videoai_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    from airflow_provider_videoai.testing.private_airflow import set_home

    home = tmp_path_factory.mktemp("videoai-airflow")
    with pytest.MonkeyPatch.context() as patch:
        set_home(home, patch)
        yield home


@pytest.fixture(scope="session")
def _videoai_airflow(_videoai_home: Path) -> Iterator[None]:
    from airflow_provider_videoai.testing.private_airflow import leave, prepare

    with pytest.MonkeyPatch.context() as patch:
        prepare(_videoai_home, patch)
        yield
        leave()


@pytest.fixture
def videoai_sandbox(_videoai_sandbox: Sandbox) -> Sandbox:
    """Return the five vendors, offline: one server for the session, as at its start for each test."""
    _videoai_sandbox.reset()
    return _videoai_sandbox


@pytest.fixture
def videoai_connections(
    videoai_sandbox: Sandbox, _videoai_home: Path, monkeypatch: pytest.MonkeyPatch
) -> SandboxConnections:
    """Lead Airflow connections to the sandbox: the default ids of all vendors, and those that the test adds."""
    from airflow_provider_videoai.testing.connections import SandboxConnections

    return SandboxConnections(videoai_sandbox.url, _videoai_home / f"ledger-{next(_ledgers)}.db", monkeypatch)


@pytest.fixture
def videoai_dag_run(
    videoai_sandbox: Sandbox,
    videoai_connections: SandboxConnections,  # noqa: ARG001 - no run without them
    _videoai_airflow: None,
    pytestconfig: pytest.Config,
) -> RunDag:
    """Run a DAG to its end against the sandbox, in an Airflow of the session's own."""
    from airflow_provider_videoai.testing.dag_run import find_dag, run_dag

    def run(dag: DAG | str, conf: Mapping[str, Any] | None = None, **options: Any) -> RunResult:
        if isinstance(dag, str):
            dag = find_dag(dag, pytestconfig.rootpath / pytestconfig.getini(_DAGS_FOLDER))
        return run_dag(dag, videoai_sandbox, conf=conf, **options)

    return run
