# SPDX-License-Identifier: Apache-2.0
"""Vendors that send whatever a server can send, at a real Airflow, beside vendors that are well."""
