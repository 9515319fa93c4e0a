# SPDX-License-Identifier: Apache-2.0
"""Whatever a vendor might answer instead of what its document says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import VideoAIError

fuzz = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def json_values(*likely: Any) -> st.SearchStrategy[Any]:
    """Draw any JSON value; ``likely`` are leaves that the vendor itself uses."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    return st.recursive(
        leaves | st.sampled_from(likely) if likely else leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    )


def outcome(run: Callable[[], Any]) -> Any:
    """Return what ``run`` returns, or the package's error that it raises; let any other through."""
    try:
        return run()
    except VideoAIError as error:
        return error
