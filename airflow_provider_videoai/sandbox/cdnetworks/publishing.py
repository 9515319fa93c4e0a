# SPDX-License-Identifier: Apache-2.0
"""What getPublishCode gives of a video, by the requested kind."""

from __future__ import annotations

from typing import Any

from airflow_provider_videoai.sandbox.cdnetworks.videos import Video

CODE_TYPES = ("0", "2", "4", "5", "6", "7", "8")
_CODES = {"swfCode": "2", "autoCode": "5", "tryWatchAutoCode": "7", "customCode": "8"}
_URLS = {"videoUrl": "4", "tryWatchVideoUrl": "6"}
_ALL = "0"


def published(video: Video, code_type: str, base_url: str) -> dict[str, Any]:
    """Return the answer's data: what was not requested is empty. A preview is the whole video here."""
    address = base_url + video.media.url_path
    url = {"urlType": "PC", "originUrl": address}
    url |= dict.fromkeys(("fluentUrl", "sdUrl", "highUrl", "hdPullUrl"), "")
    code = f'<video controls src="{address}"></video>'
    return {
        "videoId": video.video_id,
        "encrypt": 0,
        **{name: code if code_type in (_ALL, kind) else "" for name, kind in _CODES.items()},
        **{name: [url] if code_type in (_ALL, kind) else [] for name, kind in _URLS.items()},
    }
