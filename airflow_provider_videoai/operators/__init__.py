# SPDX-License-Identifier: Apache-2.0
"""Submit jobs as Airflow tasks."""
