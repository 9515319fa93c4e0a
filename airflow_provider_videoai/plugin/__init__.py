# SPDX-License-Identifier: Apache-2.0
"""The "Video jobs" page in Airflow's UI. Airflow loads `entry`, and only a request the rest."""
