# SPDX-License-Identifier: Apache-2.0
"""The engine: what a job is, and how it is submitted, polled and bought only once. Vendor-blind and Airflow-free.

The names below are its public half: requests, what is known of a job, and errors.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_videoai.jobs.errors import (
        AuthenticationFailed,
        BatchFailed,
        ContentRejected,
        InvalidRequest,
        JobAborted,
        JobFailed,
        JobNotFound,
        JobTimedOut,
        QuotaExceeded,
        ResultUnavailable,
        StorageFailed,
        SubmitRejected,
        SubmitUncertain,
        VendorUnavailable,
        VideoAIError,
    )
    from airflow_provider_videoai.jobs.media_limits import MediaLimits
    from airflow_provider_videoai.jobs.model import JobResult, JobState, JobStatus
    from airflow_provider_videoai.jobs.request import JobRequest
    from airflow_provider_videoai.jobs.values.outputs import Output, OutputKind
    from airflow_provider_videoai.jobs.values.usage import Usage

__all__ = [
    "AuthenticationFailed",
    "BatchFailed",
    "ContentRejected",
    "InvalidRequest",
    "JobAborted",
    "JobFailed",
    "JobNotFound",
    "JobRequest",
    "JobResult",
    "JobState",
    "JobStatus",
    "JobTimedOut",
    "MediaLimits",
    "Output",
    "OutputKind",
    "QuotaExceeded",
    "ResultUnavailable",
    "StorageFailed",
    "SubmitRejected",
    "SubmitUncertain",
    "Usage",
    "VendorUnavailable",
    "VideoAIError",
]

# Only what is not an error: most public names are, so `errors` is the default of __getattr__.
_ELSEWHERE = {
    "JobRequest": "request",
    "JobResult": "model",
    "JobState": "model",
    "JobStatus": "model",
    "MediaLimits": "media_limits",
    "Output": "values.outputs",
    "OutputKind": "values.outputs",
    "Usage": "values.usage",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is used: Airflow's processes load parts of this package and need few of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ELSEWHERE.get(name, 'errors')}"), name)
