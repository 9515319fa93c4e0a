# SPDX-License-Identifier: Apache-2.0
"""One file or package per vendor: how to sign, request, and read responses. No I/O, no Airflow."""
