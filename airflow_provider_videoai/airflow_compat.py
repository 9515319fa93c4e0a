# SPDX-License-Identifier: Apache-2.0
"""What this Airflow can do, and where it keeps its exceptions: since 3.2 that is in the SDK."""

from __future__ import annotations

import airflow.sdk

try:
    from airflow.sdk.exceptions import (
        AirflowFailException,
        AirflowNotFoundException,
        AirflowRescheduleException,
        AirflowSensorTimeout,
        AirflowSkipException,
        TaskDeferralError,
        TaskDeferralTimeout,
    )
except ImportError:
    from airflow.exceptions import (  # type: ignore[no-redef,attr-defined,unused-ignore]
        AirflowFailException,
        AirflowNotFoundException,  # pyright: ignore[reportPrivateImportUsage] - its place before 3.2
        AirflowRescheduleException,
        AirflowSensorTimeout,
        AirflowSkipException,
        TaskDeferralError,
        TaskDeferralTimeout,
    )

__all__ = [
    "AIRFLOW_V_3_3_PLUS",
    "AIRFLOW_V_3_4_PLUS",
    "AirflowFailException",
    "AirflowNotFoundException",
    "AirflowRescheduleException",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "TaskDeferralError",
    "TaskDeferralTimeout",
]

AIRFLOW_V_3_3_PLUS = hasattr(airflow.sdk, "NEVER_EXPIRE")
"""The task state store, tasks that start in the triggerer, and a triggerer whose triggers may write XComs.

Before 3.3 two calls from triggers at once can end the whole triggerer ("Response read out of order").
"""

AIRFLOW_V_3_4_PLUS = "ChainRetryPolicy" in airflow.sdk.__all__
"""Task loops, a retry policy that reschedules, and a clear that discards what the task state store has of the task."""
