# SPDX-License-Identifier: Apache-2.0
"""The engine: what a job is, how it is asked for, waited for, and bought only once. Knows no vendor and no Airflow."""
