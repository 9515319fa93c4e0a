# SPDX-License-Identifier: Apache-2.0
"""One case per operator of each vendor; a vendor's own are in ``tests/support/vendor_cases``."""

from __future__ import annotations

from importlib import import_module

from airflow_provider_videoai.registry import VENDORS
from tests.support.case import Case

__all__ = ["CASES", "ONE_EACH", "RESULT_KEYS", "Case"]

RESULT_KEYS = {
    "vendor",
    "operation",
    "job_id",
    "state",
    "media_url",
    "subtitles_url",
    "media_id",
    "duration_ms",
    "outputs",
    "usage",
    "submitted_at",
    "finished_at",
    "details",
}
"""What each task returns."""

_BY_VENDOR: dict[str, tuple[Case, ...]] = {
    vendor: import_module(f"tests.support.vendor_cases.{vendor}").CASES for vendor in VENDORS
}
CASES = {case.name: case for cases in _BY_VENDOR.values() for case in cases}
ONE_EACH = [next(case.name for case in cases if case.charged) for cases in _BY_VENDOR.values()]
"""The name of one case per vendor: of an operation that costs money."""
