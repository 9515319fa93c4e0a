# SPDX-License-Identifier: Apache-2.0
"""Remember what a task uploaded, so that waiting for room at a vendor does not send a file over and over."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from airflow_provider_videoai.jobs.submission.record_store import Store

__all__ = ["UPLOADS_KEY", "remembered"]

UPLOADS_KEY = "videoai_uploads"
"""The key in Airflow's task state store of the vendor's file ids, by the hash of what identifies each file."""


def remembered(store: Store, identity: str, is_there: Callable[[str], bool], upload: Callable[[], str]) -> str:
    """Return the id of a file: of an earlier upload that the vendor still has, else of a new one."""
    kept = store.get(UPLOADS_KEY)
    known = kept if isinstance(kept, Mapping) else {}
    key = hashlib.sha256(identity.encode()).hexdigest()[:32]
    file_id = known.get(key)
    if not isinstance(file_id, str) or not is_there(file_id):
        file_id = upload()
        store.set(UPLOADS_KEY, {**known, key: file_id})
    return file_id
