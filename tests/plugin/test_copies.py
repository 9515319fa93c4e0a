# SPDX-License-Identifier: Apache-2.0
"""Where a job's result was kept, from what tasks of its run returned."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.job_reference import JobReference
from airflow_provider_videoai.plugin.copies import MOST_COPIES, copies_of

REFERENCE = JobReference(vendor="viitor", operation="o", polled_as="o", conn_id="c", job_ids=("j1", "j2"))


def kept(job_id: Any = "j1", **more: Any) -> dict[str, Any]:
    return {"vendor": "viitor", "job_id": job_id, "path": "s3://conn@bucket/j1.mp4", "bytes": 5, "sha256": "0"} | more


def test_each_job_has_the_copies_of_its_own_result() -> None:
    returned = [("one", kept()), ("many", [kept("j2", path="/b.mp4"), kept("j3"), kept("j2", vendor="aidge")])]
    assert copies_of(REFERENCE, returned) == {
        "j1": [{"path": "s3://conn@bucket/j1.mp4", "bytes": 5, "task_id": "one"}],
        "j2": [{"path": "/b.mp4", "bytes": 5, "task_id": "many"}],
    }


def test_no_login_in_a_path_is_shown_and_no_more_copies_than_a_table_holds() -> None:
    copies = copies_of(REFERENCE, [("t", [kept(path="s3://key:secret@bucket/a.mp4", bytes=True)] * 100)])
    assert copies["j1"] == [{"path": "s3://***@bucket/a.mp4", "bytes": None, "task_id": "t"}] * MOST_COPIES


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["j1", "viitor"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
LIKE = st.fixed_dictionaries(
    {"vendor": st.just("viitor"), "job_id": st.just("j1")}, optional={"path": JSON | st.text()}
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(JSON | LIKE | st.lists(LIKE))
def test_whatever_a_task_returned_a_browser_can_read_what_is_shown(returned: Any) -> None:
    json.dumps(copies_of(REFERENCE, [("t", returned)]), allow_nan=False, ensure_ascii=False).encode()
