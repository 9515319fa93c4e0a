# SPDX-License-Identifier: Apache-2.0
"""What a Topview account of the sandbox has: avatars, voices, captions, files, credit."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_provider_videoai.sandbox.media.presenter import LOOKS, Look
from airflow_provider_videoai.sandbox.media.rendered import Media
from airflow_provider_videoai.sandbox.state import SandboxState

# The formats of the page of the upload credential; avi is in the vendor's own SDK only.
VIDEO_FORMATS = ("mp4", "mov", "avi")
IMAGE_FORMATS = ("png", "jpg", "jpeg", "bmp", "webp")
AUDIO_FORMATS = ("mp3", "wav", "m4a")
# The price of a video avatar is documented nowhere: it depends on mode and length.
CREDIT, PRICE = 1000, 1


@dataclass(frozen=True)
class Avatar:
    """An avatar.

    :param voice: its default, which a text without ``voiceoverId`` is spoken by.
    :param custom: made by the account, not public.
    :param video: what a custom one was made from; ``None``: it is drawn.
    """

    avatar_id: str
    name: str
    gender: str
    voice: str
    look: Look
    custom: bool = False
    video: Path | None = None


@dataclass(frozen=True)
class Voice:
    """A voice.

    :param pitch: Hz.
    """

    voice_id: str
    name: str
    language: str
    gender: str
    pitch: float


# Public ones with different voices, and a custom one, so that each avatarSourceFrom can be requested.
AVATARS = (
    Avatar("sandbox-avatar-anna", "Anna", "female", "sandbox-voice-en", LOOKS[0]),
    Avatar("sandbox-avatar-ben", "Ben", "male", "sandbox-voice-zh", LOOKS[1]),
    Avatar("sandbox-avatar-own", "My own", "male", "sandbox-voice-zh", LOOKS[1], custom=True),
)
VOICES = (
    Voice("sandbox-voice-en", "Emma", "en", "female", LOOKS[0].pitch),
    Voice("sandbox-voice-zh", "Bo", "zh", "male", LOOKS[1].pitch),
)
CAPTIONS = ("sandbox-caption-plain",)


@dataclass
class Upload:
    """A file that was announced, and is complete once its bytes were PUT.

    :param file_format: a file name extension, without the dot.
    """

    file_id: str
    file_format: str
    media: Media
    complete: bool = False


@dataclass
class Account:
    """What changes in the account."""

    state: SandboxState
    uploads: dict[str, Upload] = field(default_factory=dict)
    own_avatars: list[Avatar] = field(default_factory=list)
    spent: list[dict[str, Any]] = field(default_factory=list)

    def reset(self) -> None:
        """Return to the state at the start."""
        self.uploads.clear()
        self.own_avatars.clear()
        self.spent.clear()

    @property
    def credit(self) -> int:
        """What is left, in credits."""
        return CREDIT - PRICE * len(self.spent)

    def spend(self, task_id: str) -> None:
        """Take the price of one video avatar.

        :param task_id: what the credit log has it under.
        """
        # In UTC and in this form, as the credit log's own parameters startTime and endTime are.
        date = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        self.spent.append({"date": date, "taskType": "video_avatar", "costCredit": PRICE, "taskId": task_id})

    def announce(self, file_format: str) -> Upload:
        """Return a new file id, with the place of its bytes.

        :param file_format: a file name extension, without the dot.
        """
        file_id = secrets.token_hex(16)
        upload = Upload(file_id, file_format, self.state.store.add("topview", f"{file_id}.{file_format}"))
        self.uploads[file_id] = upload
        return upload

    def avatar(self, avatar_id: str, *, custom: bool) -> Avatar | None:
        """Return an avatar, or ``None``.

        :param custom: whether it is looked up among the account's own, or among the public ones.
        """
        # avatarSourceFrom says which list the id is from: an id of the other list is unknown.
        found = [a for a in (*AVATARS, *self.own_avatars) if a.avatar_id == avatar_id and a.custom is custom]
        return found[0] if found else None

    def keep_avatar(self, video: Path) -> None:
        """Add a custom avatar.

        :param video: the clip that it is made from.
        """
        avatar_id = f"sandbox-avatar-{secrets.token_hex(4)}"
        self.own_avatars.append(
            Avatar(avatar_id, "Saved", "female", VOICES[0].voice_id, LOOKS[0], custom=True, video=video)
        )


def voice_of(voice_id: str) -> Voice | None:
    """Return a voice, or ``None``.

    :param voice_id: as a request names it in ``voiceoverId``.
    """
    return next((voice for voice in VOICES if voice.voice_id == voice_id), None)
