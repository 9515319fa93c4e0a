# SPDX-License-Identifier: Apache-2.0
"""When Airflow retries a task."""
