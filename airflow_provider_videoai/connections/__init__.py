# SPDX-License-Identifier: Apache-2.0
"""Connections of each vendor's type: what their fields are called, and which options they take.

Airflow reads all of it in every process, so these modules import pydantic and nothing heavier.
"""
