# SPDX-License-Identifier: Apache-2.0
"""When Airflow tries a task again."""
