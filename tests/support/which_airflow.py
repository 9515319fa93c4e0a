# SPDX-License-Identifier: Apache-2.0
"""What differs between the Airflows that the tests run on: the modules of names, and what exists."""

from __future__ import annotations

import pytest

from airflow_provider_videoai.airflow_compat import AIRFLOW_V_3_3_PLUS, AIRFLOW_V_3_4_PLUS

try:
    from airflow.sdk import lineage
    from airflow.sdk.exceptions import (
        AirflowFailException,
        AirflowRescheduleException,
        AirflowSensorTimeout,
        AirflowSkipException,
        TaskDeferred,
    )
    from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime
    from airflow.sdk.serde import deserialize, serialize
    from airflow.serialization.serialized_objects import DagSerialization
except ImportError:  # before 3.2
    from airflow.exceptions import (  # type: ignore[no-redef,unused-ignore]
        AirflowFailException,
        AirflowRescheduleException,
        AirflowSensorTimeout,
        AirflowSkipException,
        TaskDeferred,
    )
    from airflow.lineage import hook as lineage  # type: ignore[no-redef,attr-defined,unused-ignore]
    from airflow.providers_manager import (  # type: ignore[assignment,unused-ignore]
        ProvidersManager as ProvidersManagerTaskRuntime,
    )
    from airflow.serialization.serde import (  # type: ignore[no-redef,import-not-found,unused-ignore]
        deserialize,
        serialize,
    )
    from airflow.serialization.serialized_objects import (  # type: ignore[assignment,attr-defined,unused-ignore]
        SerializedDAG as DagSerialization,
    )

__all__ = [
    "AirflowFailException",
    "AirflowRescheduleException",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "DagSerialization",
    "ProvidersManagerTaskRuntime",
    "TaskDeferred",
    "deserialize",
    "lineage",
    "needs_airflow_3_2",
    "needs_airflow_3_3",
    "needs_airflow_3_4",
    "serialize",
]


def needs_airflow_3_2(what: str) -> pytest.MarkDecorator:
    """Skip a test on Airflow 3.1, which has no such thing."""
    return pytest.mark.skipif(lineage.__name__ != "airflow.sdk.lineage", reason=f"needs Airflow 3.2: {what}")


def needs_airflow_3_3(what: str) -> pytest.MarkDecorator:
    """Skip a test on an older Airflow, which has no such thing."""
    return pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason=f"needs Airflow 3.3: {what}")


def needs_airflow_3_4(what: str) -> pytest.MarkDecorator:
    """Skip a test on an older Airflow, which has no such thing."""
    return pytest.mark.skipif(not AIRFLOW_V_3_4_PLUS, reason=f"needs Airflow 3.4: {what}")
