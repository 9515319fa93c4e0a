# SPDX-License-Identifier: Apache-2.0
"""Remember a task's uploads, so that a submit that waits for a full queue uploads each file once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from airflow_provider_videoai.jobs.submission.record_store import Store

__all__ = ["UPLOADS_KEY", "upload_once"]

UPLOADS_KEY = "videoai_uploads"
"""Key in Airflow's task state store: the vendor's file ids by the hash of each file's identity."""


def upload_once(store: Store, identity: str, is_there: Callable[[str], bool], upload: Callable[[], str]) -> str:
    """Return the vendor's id of a file; upload it if no earlier upload is still there.

    :param store: the task's state.
    :param identity: of the file with its content.
    :param is_there: queries the vendor whether it still has an id.
    :param upload: uploads the file and returns its new id.
    """
    kept = store.get(UPLOADS_KEY)
    known = kept if isinstance(kept, Mapping) else {}
    key = hashlib.sha256(identity.encode()).hexdigest()[:32]
    file_id = known.get(key)
    # The vendor is queried: it may have deleted the file since, and the submit would then be refused.
    if not isinstance(file_id, str) or not is_there(file_id):
        file_id = upload()
        # Kept before the submit, so that a retry after a failed submit does not upload again.
        store.set(UPLOADS_KEY, {**known, key: file_id})
    return file_id
