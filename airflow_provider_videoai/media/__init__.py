# SPDX-License-Identifier: Apache-2.0
"""Fetch, check, upload and store media; subtitles. Independent of Airflow."""
