# SPDX-License-Identifier: Apache-2.0
"""What this Airflow can do."""

from __future__ import annotations

import airflow.sdk

AIRFLOW_V_3_3_PLUS = hasattr(airflow.sdk, "NEVER_EXPIRE")
"""The task state store, tasks that start in the triggerer, and a triggerer whose triggers may write XComs.

Before 3.3 two calls from triggers at once can end the whole triggerer ("Response read out of order").
"""
