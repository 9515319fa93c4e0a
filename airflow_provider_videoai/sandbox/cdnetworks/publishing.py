# SPDX-License-Identifier: Apache-2.0
"""The response of getPublishCode, by the requested kind of code."""

from __future__ import annotations

from typing import Any

from airflow_provider_videoai.sandbox.cdnetworks.videos import Video

CODE_TYPES = ("0", "2", "4", "5", "6", "7", "8")
_CODES = {"swfCode": "2", "autoCode": "5", "tryWatchAutoCode": "7", "customCode": "8"}
_URLS = {"videoUrl": "4", "tryWatchVideoUrl": "6"}
_ALL = "0"


def published(video: Video, code_type: str, base_url: str) -> dict[str, Any]:
    """Return the data of the response; what was not requested is empty.

    :param video: the published video.
    :param code_type: one of :data:`CODE_TYPES`; 0 requests all.
    :param base_url: what its URLs start with.
    """
    address = base_url + video.media.url_path
    url = {"urlType": "PC", "originUrl": address}
    # The sandbox transcodes nothing: only the original is there, in no other definition.
    url |= dict.fromkeys(("fluentUrl", "sdUrl", "highUrl", "hdPullUrl"), "")
    # A preview (tryWatch) is the whole video here.
    code = f'<video controls src="{address}"></video>'
    return {
        "videoId": video.video_id,
        "encrypt": 0,
        **{name: code if code_type in (_ALL, kind) else "" for name, kind in _CODES.items()},
        **{name: [url] if code_type in (_ALL, kind) else [] for name, kind in _URLS.items()},
    }
