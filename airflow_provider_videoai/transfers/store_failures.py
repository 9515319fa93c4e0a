# SPDX-License-Identifier: Apache-2.0
"""Open destinations, and make errors that state what became of the file, the job and the money."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_videoai.files.locations import FileLocation, reason, redacted_path
from airflow_provider_videoai.jobs.errors import (
    InvalidRequest,
    ResultUnavailable,
    StorageFailed,
    VendorUnavailable,
    VideoAIError,
)
from airflow_provider_videoai.media.addresses import AddressRefused
from airflow_provider_videoai.media.storage import Destination, DifferentContent

__all__ = ["open_destination", "storage_errors"]

_PAID = "The job is paid for."
_FREE = "The job is paid for, and a retry of this task buys nothing."


def open_destination(path: str, argument: str = "destination") -> Destination:
    """Connect to the store of a URL.

    :param path: the URL, such as ``s3://conn@bucket/key``.
    :param argument: its name, for the error.
    :raises InvalidRequest: if there is no such store.
    """
    place = FileLocation.find(argument, path)
    return Destination(place.fs, place.path)


@contextmanager
def storage_errors(
    name: str, path: str, job_id: str, conn_id: str = "", *, argument: str = "destination"
) -> Iterator[None]:
    """Translate all errors of the block to errors of this package; an unknown one is the store's.

    :param name: what is stored, for messages.
    :param path: where it goes.
    :param job_id: the job that made it.
    :param conn_id: the connection whose extra may allow private addresses.
    :param argument: the operator's argument that names the place.
    """
    try:
        yield
    except (ResultUnavailable, VendorUnavailable) as failure:
        fate = _PAID if isinstance(failure, ResultUnavailable) else _FREE
        # In place, so that the class, the cause and the traceback stay.
        failure.message = _unpublished(failure.message, fate)
        failure.args = (failure.message,)
        failure.job_id = job_id
        raise
    except VideoAIError:
        raise
    except AddressRefused as refused:
        text = f"{name} is not downloaded: {refused}{refused.advice(conn_id)}"
        raise ResultUnavailable(_unpublished(text, _PAID), job_id=job_id) from refused
    except DifferentContent as other:
        raise InvalidRequest(
            f"{argument}: another file is at {redacted_path(path)} ({other}); overwrite=True replaces it", job_id=job_id
        ) from other
    except Exception as failure:
        text = f"{argument}: {name} cannot be stored at {redacted_path(path)} ({reason(failure, path)})"
        raise StorageFailed(_unpublished(text, _FREE), job_id=job_id) from failure


def _unpublished(text: str, fate: str) -> str:
    known = "nothing was published" in text
    return f"{text.rstrip('.')}. {'' if known else 'Nothing was published. '}{fate}"
