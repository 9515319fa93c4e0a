# SPDX-License-Identifier: Apache-2.0
"""Airflow tasks that carry media from one place to another."""
