# SPDX-License-Identifier: Apache-2.0
"""Replace the inputs of a request that are objects in the user's store by signed URLs, right before its submit."""

from __future__ import annotations

from datetime import timedelta

from airflow_provider_videoai.files.presigned import EXPIRES, LONGEST, sign
from airflow_provider_videoai.jobs.request import Request

__all__ = ["SHORTEST", "signed_inputs"]

SHORTEST = timedelta(hours=1)
"""A submit may wait for the rate limit, and the vendor may fetch the input at the end of the job."""


def signed_inputs(
    request: Request, *, job_timeout: float = EXPIRES.total_seconds(), conn_id: str | None = None
) -> Request:
    """Return the request with a signed URL for each input in a store, or the request itself if there is none.

    What is returned is for the submit alone: a fingerprint, a record or a log is made of the request that was given.

    :param job_timeout: in seconds, how long the job may take: the URLs can be fetched as long, but for an hour at
        least, and for 7 days at most.
    :param conn_id: the Airflow connection of inputs whose URL names none.
    :raises InvalidRequest: naming the field, if there is no such object, or it cannot be signed.
    :raises StorageFailed: if the store failed, or its connection is missing.
    """
    seconds = min(max(job_timeout, SHORTEST.total_seconds()), LONGEST.total_seconds())
    urls = {field: sign(field, url, seconds, conn_id) for field, url in request.stored_inputs().items()}
    return request.model_copy(update=urls) if urls else request
