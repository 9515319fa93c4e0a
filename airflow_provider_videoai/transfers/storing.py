# SPDX-License-Identifier: Apache-2.0
"""Open the user's own stores, and say of each failure what became of the file, the job and the money."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk import ObjectStoragePath

from airflow_provider_videoai.jobs.errors import (
    InvalidRequest,
    ResultUnavailable,
    StorageFailed,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.jobs.printable import printable
from airflow_provider_videoai.media.addresses import AddressRefused
from airflow_provider_videoai.media.storage import Destination, OtherContent

_PAID = "The job is paid for."
_FREE = "The job is paid for, and a retry of this task buys nothing."


def opened(path: str) -> Destination:
    """Return the file of a store at a URL; raise :class:`InvalidRequest` if there is no such store."""
    try:
        place = ObjectStoragePath(path)
        return Destination(place.fs, place.path)
    except (ValueError, TypeError, ImportError) as failure:
        raise InvalidRequest(
            f"destination: {printable(path)} cannot be opened ({type(failure).__name__}): is the package of its "
            "store installed?"
        ) from failure


@contextmanager
def storing(name: str, path: str, job_id: str, conn_id: str = "") -> Iterator[None]:
    """Raise only errors of this package: whatever else comes out of it is the store's.

    :param name: what is stored, for messages.
    :param path: where it goes.
    :param job_id: the job whose it is.
    :param conn_id: the connection whose extra may allow private addresses.
    """
    try:
        yield
    except (ResultUnavailable, VendorUnavailable) as failure:
        fate = _PAID if isinstance(failure, ResultUnavailable) else _FREE
        failure.message = _unpublished(failure.message, fate)
        failure.args = (failure.message,)
        failure.job_id = job_id
        raise
    except VideoAIError:
        raise
    except AddressRefused as refused:
        text = f"{name} is not fetched: {refused}{refused.advice(conn_id)}"
        raise ResultUnavailable(_unpublished(text, _PAID), job_id=job_id) from refused
    except OtherContent as other:
        raise InvalidRequest(
            f"destination: something else is at {printable(path)} ({other}); overwrite=True replaces it", job_id=job_id
        ) from other
    except Exception as failure:
        text = f"destination: {name} cannot be stored at {printable(path)} ({_reason(failure)})"
        raise StorageFailed(_unpublished(text, _FREE), job_id=job_id) from failure


def _unpublished(text: str, fate: str) -> str:
    known = "nothing was published" in text
    return f"{text.rstrip('.')}. {'' if known else 'Nothing was published. '}{fate}"


def _reason(failure: Exception) -> str:
    """Return the operating system's words; of other failures the class only, as their texts may hold a signed URL."""
    words = failure.strerror if isinstance(failure, OSError) else None
    return f"{type(failure).__name__}: {printable(words)}" if words else type(failure).__name__
