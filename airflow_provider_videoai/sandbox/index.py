# SPDX-License-Identifier: Apache-2.0
"""What ``GET /sandbox`` says about the sandbox."""

from __future__ import annotations

from typing import Any

from airflow_provider_videoai.sandbox.credentials import CREDENTIALS
from airflow_provider_videoai.sandbox.endpoints import HasIds, Vendor
from airflow_provider_videoai.sandbox.faults import CallKind, FaultKind
from airflow_provider_videoai.sandbox.media import samples
from airflow_provider_videoai.sandbox.shapes import SHAPES

__all__ = ["CONTROL", "index"]

CONTROL = {
    "GET /sandbox/ledger": {"query": ["vendor"]},
    "DELETE /sandbox/ledger": {},
    "GET /sandbox/faults": {},
    "POST /sandbox/faults": {
        "vendor": ["*", *CREDENTIALS],
        "call": ["*", *(kind.value for kind in CallKind if kind is not CallKind.LOOKUP)],
        "kind": [kind.value for kind in FaultKind],
        "times": "how often it fires, null for always (default 1)",
        "after": "how many matching calls go well first (default 0)",
        "match": "only requests with this text in their URL or body (default: all)",
        "seconds": "stall: how long (default 5)",
        "pause": "cut_media: seconds of silence before the cut (default 0)",
        "bytes": "cut_media: how many are sent (default 0); wrong_length: how many too many are announced",
        "retry_after": "rate_limited: seconds in Retry-After (default: no such header)",
        "retry_after_date": "rate_limited: Retry-After as an HTTP date (default false)",
        "code": "fail_job, quota_full, auth_failed: the vendor's code (default: the documented one); "
        "expire_media: 403, 404 or 410 (default 403)",
    },
    "DELETE /sandbox/faults": {},
    "GET /sandbox/clock": {},
    "POST /sandbox/clock": {
        "vendor": "one vendor (default: all)",
        "queue_seconds": "for jobs submitted from now on",
        "run_seconds": "for jobs submitted from now on",
        "advance": "seconds by which jobs in flight are moved forward",
        "await_media": "reply when the media of jobs that have ended by then are rendered (default false)",
    },
    "GET /sandbox/shapes": {},
    "POST /sandbox/shapes": SHAPES,
    "POST /sandbox/reset": {},
}


def index(base_url: str, vendors: list[Vendor]) -> dict[str, Any]:
    """Return the index of the sandbox.

    :param base_url: what URLs in it start with.
    :param vendors: in the order in which they are listed.
    """
    x1, y1, x2, y2 = samples.CAPTION_REGION
    return {
        "vendors": {
            vendor.key: [f"{'|'.join(call.methods)} {call.path}" for call in vendor.calls()] for vendor in vendors
        },
        "samples": {
            "clip": {
                "url": f"{base_url}/sample/clip.mp4",
                "width": samples.WIDTH,
                "height": samples.HEIGHT,
                "frame_rate": samples.RATE,
                "seconds": samples.SECONDS,
                "caption_region": [x1, y1, x2, y2],
            },
            "short": {"url": f"{base_url}/sample/short.mp4", "like": "clip", "seconds": samples.SHORT_SECONDS},
            "large": {"url": f"{base_url}/sample/large-500.mp4", "megabytes": "any number from 1 to 1000 in its name"},
            "speech": {"url": f"{base_url}/sample/speech.mp3", "text": samples.SPEECH_TEXT},
        },
        "ids": {vendor.key: vendor.ids() for vendor in vendors if isinstance(vendor, HasIds)},
        "control": CONTROL,
    }
