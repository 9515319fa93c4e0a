# SPDX-License-Identifier: Apache-2.0
"""Test DAGs with pytest: fixtures that run a DAG against the sandbox, and what to assert of the run.

The fixtures come with the entry point ``pytest11``: see :mod:`airflow_provider_videoai.testing.plugin`. They need
pytest and the extra ``sandbox``. The page "Test a DAG" shows how to use them.
"""

from __future__ import annotations

from airflow_provider_videoai.testing.paid_once import assert_paid_once
from airflow_provider_videoai.testing.run_result import RunResult, TaskResult

__all__ = ["RunResult", "TaskResult", "assert_paid_once"]
