# SPDX-License-Identifier: Apache-2.0
"""The videos of the account."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_provider_videoai.sandbox.media.container import MediaInfo, probe
from airflow_provider_videoai.sandbox.media.rendered import Media
from airflow_provider_videoai.sandbox.media.samples import sample_clip
from airflow_provider_videoai.sandbox.state import SandboxState

LIBRARY_VIDEO_ID = "5A4DB0C51190000000000000000C11B1"
"""The sample clip, in the library from the start, so that a trim needs no pull."""
# The values of videoSourceCode.
SOURCE_PULLED, SOURCE_TRIMMED, SOURCE_UPLOADED = 3, 4, 1


@dataclass(frozen=True)
class Video:
    """One video of the library.

    :param source: how it came: one of the ``SOURCE_`` numbers.
    :param uploaded: epoch seconds.
    """

    video_id: str
    name: str
    media: Media
    media_info: MediaInfo
    source: int
    uploaded: int

    def info(self) -> dict[str, Any]:
        """Return ``videoInfo`` as documented: numbers that are strings stay strings."""
        size = self.media.path.stat().st_size
        return {
            "videoId": self.video_id,
            "videoName": self.name,
            "encrypt": 0,
            # The page types these numbers as strings, and the states of the old edition, too.
            "videoSize": str(size),
            "videoDuration": str(round(self.media_info.seconds)),
            "uploadTime": str(self.uploaded),
            "updateTime": str(self.uploaded),
            "videoDescription": "",
            "videoClassification": "",
            "imageUrl": "",
            "publishDomain": "",
            "playerName": "",
            "playerId": "",
            "videoState": "0",
            "transcodeState": "2",
            "videoSourceCode": self.source,
            "videoResolutions": [
                {
                    "clarity": 1,
                    # The value of the status page's own example, which no page explains.
                    "serverType": -1,
                    "width": self.media_info.width,
                    "height": self.media_info.height,
                    "fileSize": size,
                },
            ],
        }


class VideoLibrary:
    """Videos by id. The built-in one is written when it is first needed.

    :param state: where the files are.
    """

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self.clear()

    def clear(self) -> None:
        """Keep the built-in video only."""
        self._videos: dict[str, Video] = {}

    def has(self, video_id: str) -> bool:
        """Return whether there is such a video, without drawing it.

        :param video_id: of the library.
        """
        return video_id == LIBRARY_VIDEO_ID or video_id in self._videos

    def path_of(self, video_id: str) -> Path:
        """Return the file of a video.

        May draw the sample clip: call it in a render thread.

        :param video_id: one for which :meth:`has` is true.
        """
        if video_id in self._videos:
            return self._videos[video_id].media.path
        media = self._state.store.add("cdnetworks", "sandbox-library-clip.mp4")
        media.path.write_bytes(sample_clip())
        self.add(media, "sandbox library clip", SOURCE_UPLOADED, LIBRARY_VIDEO_ID)
        return media.path

    def get(self, video_id: str) -> Video:
        """Return a video; may draw, as :meth:`path_of`.

        :param video_id: one for which :meth:`has` is true.
        """
        self.path_of(video_id)
        return self._videos[video_id]

    def add(self, media: Media, name: str, source: int, video_id: str | None = None) -> Video:
        """Add a video whose file is written.

        :param name: as the vendor's responses show it.
        :param source: one of the ``SOURCE_`` numbers.
        :param video_id: ``None``: a new one.
        :raises RenderingFailed: if the file is no video.
        """
        video = Video(
            # 32 hex digits in upper case, as the ids of the vendor's samples.
            video_id=video_id or secrets.token_hex(16).upper(),
            name=name,
            media=media,
            media_info=probe(media.path),
            source=source,
            uploaded=int(time.time()),
        )
        self._videos[video.video_id] = video
        return video
