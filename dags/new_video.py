# SPDX-License-Identifier: Apache-2.0
"""Write a manifest beside new videos in the storage, each time that the DAG localize_clip has stored some.

The asset event has an entry per video: path, size, hash, duration, and the job that made it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from airflow.sdk import DAG, Asset, ObjectStoragePath, Param, task

NEW_VIDEOS = Asset("new_videos")

with DAG(
    "new_video",
    schedule=[NEW_VIDEOS],
    description="A manifest of the videos that another DAG stored",
    doc_md=__doc__,
    tags=["videoai", "example"],
    params={"manifest": Param("manifest.json", type="string", minLength=1, title="Name of the manifest")},
) as dag:

    @task
    def manifest(
        triggering_asset_events: Mapping[Asset, Any] | None = None, params: dict[str, Any] | None = None
    ) -> list[str]:
        """Write a manifest for the videos of each event; return the paths of the manifests."""
        written = []
        for event in (triggering_asset_events or {}).get(NEW_VIDEOS, []):
            videos = event.extra["videos"]
            for video in videos:
                logging.getLogger(__name__).info("%(path)s: %(bytes)s bytes, %(duration_ms)s ms", video)
            path = ObjectStoragePath(videos[0]["path"]).parent / (params or {})["manifest"]
            path.write_text(json.dumps(videos, indent=2))
            written.append(str(path))
        return written

    manifest()
