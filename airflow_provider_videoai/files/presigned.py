# SPDX-License-Identifier: Apache-2.0
"""Signed URLs of the user's objects: whoever has one may read the object until it expires, a vendor for instance.

A signed URL is a secret. It belongs into no log, no XCom and no record.
"""

from __future__ import annotations

from datetime import timedelta

from airflow_provider_videoai.files.locations import (
    FileLocation,
    FilePath,
    check_name,
    redacted_path,
    require_connection,
    store_errors,
)
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.values.given_value import as_given

__all__ = ["EXPIRES", "LONGEST", "presigned", "sign"]

EXPIRES = timedelta(hours=24)
LONGEST = timedelta(days=7)
"""S3's own limit, and that of version 4 of Google's signatures."""

_FATE = "A retry signs it again, and buys nothing"


def presigned(path: FilePath, expires: timedelta | float = EXPIRES) -> str:
    """Return a signed URL of an object in the user's storage, for a vendor to fetch it from.

    Credentials of a session (a role, say) end their signatures with themselves, however long ``expires`` is.

    :param path: ``s3://conn@bucket/key``, or an ``ObjectStoragePath``.
    :param expires: how long it can be fetched: a timedelta or seconds, at most 7 days.
    :returns: the URL, which is a secret. What a task returns is an XCom that users read, so use it in the same task.
    :raises InvalidRequest: if there is no such object, or its store or connection cannot sign.
    :raises StorageFailed: if the store failed, or its connection is missing. A retry may help.
    """
    seconds = expires.total_seconds() if isinstance(expires, timedelta) else expires
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 1 <= seconds <= LONGEST.total_seconds():
        raise InvalidRequest(
            f"expires: must be a timedelta or a number of seconds from 1 to {LONGEST.days} days, not "
            f"{expires if isinstance(expires, timedelta) else as_given(expires)}"
        )
    return sign("path", path, seconds)


def sign(argument: str, path: FilePath, seconds: float, conn_id: str | None = None) -> str:
    """Return a signed URL of an object, after the proof that there is one: a store signs any name.

    :param argument: the argument that names the object, for messages.
    :param path: of the object.
    :param seconds: until it expires; at most :data:`LONGEST`.
    :param conn_id: the Airflow connection of a path that names none.
    :raises InvalidRequest: if there is no such object, or its store or connection cannot sign.
    :raises StorageFailed: if the store failed, or its connection is missing.
    """
    check_name(argument, path)
    with store_errors(argument, url := str(path), failed="cannot be signed", fate=_FATE):
        require_connection(url, conn_id)
    file = FileLocation.find(argument, path, conn_id)
    file.facts(argument)
    with store_errors(argument, url, failed="cannot be signed", fate=_FATE):
        try:
            return str(file.fs.sign(file.path, expiration=int(seconds)))
        # By fsspec for a store without signatures; by Google's and Azure's library for credentials without a key.
        except (NotImplementedError, AttributeError, ValueError) as refused:
            raise InvalidRequest(
                f"{argument}: no signed URL of {redacted_path(url)} can be made ({type(refused).__name__}): it must be "
                "in a store that signs URLs (S3, Google Cloud Storage with a service account's key, Azure with an "
                "account key), or be given as an https:// URL"
            ) from refused
