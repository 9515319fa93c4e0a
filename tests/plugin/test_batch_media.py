# SPDX-License-Identifier: Apache-2.0
"""What a browser is led to that plays an item of a batch: its copy in the user's storage, or the vendor's media."""

from __future__ import annotations

from pathlib import Path

from tests.support.api_server import ApiServer
from tests.support.batches import REFERENCE, ended, line, written
from tests.support.stores import Store
from tests.support.which_airflow import needs_airflow_3_3

pytestmark = needs_airflow_3_3("the task state store")

VENDORS = "https://cdn.example/a.mp4"


def test_a_copy_that_a_browser_cannot_reach_leaves_the_vendors_media(
    api_server: ApiServer, s3_store: Store, tmp_path: Path
) -> None:
    s3_store.put("a.mp4", b"a clip")
    written(tmp_path / "all.jsonl", line("a", "succeeded", "job-a", url=VENDORS))
    rendered = {"manifest": f"file://{tmp_path}/all.jsonl", "destination": f"{s3_store.root}/{{item_id}}.mp4"}
    path = api_server.task(video_batch=REFERENCE, rendered=rendered).replace("/jobs/", "/batches/")
    items = {"a": ended("succeeded", "job-a", sha256="0" * 64)}
    api_server.states("videoai_batch_0", {"version": 1, "items": items})
    with api_server.client() as client:
        for query in ("", "&stored=true", "&refused=true", "&refused=true&copy=true"):
            assert "/results/clips/a.mp4?" in client.get(f"{path}/media?item_id=a{query}").headers["location"], query
        assert client.get(f"{path}/media?item_id=a&copy=false").headers["location"] == VENDORS
        # The vendor is queried for another address: in this test there is no connection to do that with.
        refused = client.get(f"{path}/media?item_id=a&refused=true&copy=false")
    assert (refused.status_code, refused.json()["detail"].split(" with")[0]) == (
        404,
        "There is no connection 'no_such_connection' of type 'viitor' to poll",
    )
