# SPDX-License-Identifier: Apache-2.0
"""What the reference promises of a large result, at a smaller size; `python -m benchmarks.storage` does the whole."""

from __future__ import annotations

import sys

import pytest

from benchmarks.storage import LIMIT, measured


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_through_breaks_every_byte_is_right_and_little_memory_is_taken() -> None:
    results = list(measured(megabytes=80, breaks=5))
    assert [(each.store, each.breaks, each.right) for each in results] == [("file", 5, True), ("s3", 5, True)]
    assert max(each.growth for each in results) <= LIMIT
