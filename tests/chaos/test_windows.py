# SPDX-License-Identifier: Apache-2.0
"""What measures limits counts what is over them."""

from __future__ import annotations

from tests.chaos.windows import fullest, most_at_once, requests


def test_fullest_minute_is_found_wherever_it_begins() -> None:
    assert fullest([0, 30, 59, 61, 62, 89, 200]) == 5
    assert fullest([60, 0]) == 1, "a minute later is another window"


def test_jobs_overlap_only_while_both_run() -> None:
    assert most_at_once([(0, 10), (10, 20), (5, 6), (5.5, 12)]) == 3
    assert most_at_once([(0, 10), (10, 20)]) == 1


def test_only_the_vendor_that_counts_each_api_by_itself_is_counted_so() -> None:
    def entry(vendor: str) -> dict[str, object]:
        return {"vendor": vendor, "operation": "trim", "at": 1.0}

    ledger = {"submissions": [entry("cdnetworks"), entry("topview")], "polls": [entry("cdnetworks"), entry("topview")]}
    assert requests({**ledger, "lookups": []}) == {
        ("cdnetworks", "submissions trim"): [1.0],
        ("cdnetworks", "polls trim"): [1.0],
        ("topview", "all"): [1.0, 1.0],
    }
