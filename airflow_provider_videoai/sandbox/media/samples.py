# SPDX-License-Identifier: Apache-2.0
"""The samples: a clip of a lake at dusk with hills, music and burnt-in captions, and a speech."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from airflow_provider_videoai.sandbox.media.container import Encoding, Sound, write_sound, write_video
from airflow_provider_videoai.sandbox.media.presenter import LOOKS, write_caption
from airflow_provider_videoai.sandbox.media.rendered import Stop
from airflow_provider_videoai.sandbox.media.script import plan
from airflow_provider_videoai.sandbox.media.voice import speak

WIDTH, HEIGHT, RATE, SECONDS = 640, 360, 25, 8
SHORT_SECONDS = 1
"""Of the short clip, for tests: it is drawn, and what is made of it, in an eighth of the time."""
CAPTION_REGION = (60, 288, 580, 336)
"""Where captions are in every frame: x1, y1, x2, y2 in pixels."""
CAPTIONS = ("Evening settles on the lake", "The hills drift slowly by", "Thank you for watching")
SPEECH_TEXT = "Hello and welcome. This voice was made by the sandbox, and it means nothing at all."
SPEECH_RATE = 24000

_HORIZON = 232
_SHADES = 256
# The centre of the sun (x, y) and its radius, in pixels.
_SUN = (450, 120, 50)
# A cached function may run twice at once when two threads call it before it has returned: drawing takes seconds.
_ONCE = threading.Lock()

Indexed = NDArray[np.uint8]


def sample_clip(seconds: int = SECONDS) -> bytes:
    """Return the mp4 (640x360, 25 frames per second, AAC); drawn at first use, then kept by this process.

    :param seconds: its length, at most 8.
    """
    with _ONCE:
        return _clip(seconds)


def sample_speech() -> bytes:
    """Return an mp3 of a few seconds of the sandbox's speech."""
    with _ONCE:
        return _speech()


@cache
def _clip(seconds: int) -> bytes:
    with tempfile.TemporaryDirectory(prefix="videoai-sample-") as folder:
        path = Path(folder) / "clip.mp4"
        # Decoded by every job of a test: fastdecode leaves out what makes that slow.
        encoding = Encoding(options={"preset": "veryfast", "crf": "18", "tune": "fastdecode"})
        write_video(path, _frames(seconds), Fraction(RATE), (WIDTH, HEIGHT), _music(seconds), encoding, Stop())
        return path.read_bytes()


@cache
def _speech() -> bytes:
    with tempfile.TemporaryDirectory(prefix="videoai-sample-") as folder:
        path = Path(folder) / "speech.mp3"
        sound = speak(plan(SPEECH_TEXT), SPEECH_RATE, LOOKS[0].pitch, Stop())
        write_sound(path, sound, "mp3", "libmp3lame", SPEECH_RATE)
        return path.read_bytes()


def _frames(seconds: int) -> Iterator[VideoFrame]:
    palette = _palette()
    backdrop = _backdrop()
    hills = [(_ridge(height, seed), speed, shade) for height, seed, speed, shade in _HILLS]
    captions = [_caption(text) for text in CAPTIONS]
    count = RATE * seconds
    for number in range(count):
        picture = backdrop.copy()
        for ridge, speed, shade in hills:
            _raise_hills(picture, np.roll(ridge, -int(number * speed)), shade)
        _ripple(picture, number)
        colours = palette[picture]
        colour, mask = captions[number * len(captions) // count]
        x1, y1, x2, y2 = CAPTION_REGION
        place = colours[y1:y2, x1:x2]
        place[:] = (place * (1 - mask) + colour * mask).astype(np.uint8)
        yield VideoFrame.from_ndarray(colours, "rgb24").reformat(WIDTH, HEIGHT, "yuv420p")


# Height in pixels above the horizon, seed, pixels a frame, shade.
_HILLS = ((92, 3, 0.5, 200), (62, 7, 1.1, 210), (34, 11, 2.2, 220))


def _palette() -> NDArray[np.uint8]:
    """Shades 0-119 are sky, 120-199 water, then hills, sun and glow."""
    colours = np.zeros((_SHADES, 3), np.float32)
    colours[:120] = _gradient((64, 72, 138), (246, 168, 118), 120)
    colours[120:200] = _gradient((214, 142, 112), (44, 58, 104), 80)
    colours[200:210] = (122, 96, 132)
    colours[210:220] = (92, 76, 116)
    colours[220:230] = (62, 60, 92)
    colours[230:240] = _gradient((252, 214, 150), (248, 186, 126), 10)
    return colours.astype(np.uint8)


def _gradient(first: tuple[int, int, int], last: tuple[int, int, int], steps: int) -> NDArray[np.float32]:
    along = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    return cast("NDArray[np.float32]", np.array(first) * (1 - along) + np.array(last) * along)


def _backdrop() -> Indexed:
    rows = np.arange(HEIGHT)
    sky = np.clip(rows * 120 // _HORIZON, 0, 119)
    water = 120 + np.clip((rows - _HORIZON) * 80 // (HEIGHT - _HORIZON), 0, 79)
    column = np.where(rows < _HORIZON, sky, water).astype(np.uint8)
    picture = np.repeat(column[:, None], WIDTH, axis=1)
    down, across = np.ogrid[:HEIGHT, :WIDTH]
    distance = np.hypot(down - _SUN[1], across - _SUN[0])
    rings = (distance / 5).astype(np.uint8)
    return np.where(distance < _SUN[2], 230 + np.minimum(rings, 9), picture).astype(np.uint8)


def _ridge(height: int, seed: int) -> NDArray[np.int64]:
    """Return one hill line, twice as wide as the picture, that meets itself at the ends."""
    around = np.linspace(0, 2 * np.pi, WIDTH * 2, endpoint=False)
    # Seeded: the picture has to be the same in every process.
    random = np.random.default_rng(seed)
    line = sum(np.sin(around * wave + random.uniform(0, 6)) / wave for wave in (2, 3, 5, 8))
    return (_HORIZON - height * (0.62 + 0.3 * np.asarray(line))).astype(np.int64)


def _raise_hills(picture: Indexed, ridge: NDArray[np.int64], shade: int) -> None:
    rows = np.arange(_HORIZON)[:, None]
    picture[:_HORIZON][rows >= ridge[None, :WIDTH]] = shade


def _ripple(picture: Indexed, number: int) -> None:
    water = picture[_HORIZON:]
    rows = np.arange(len(water))[:, None]
    columns = np.arange(WIDTH)[None, :]
    wave = np.sin(columns / 31 + rows / 4 + number / 7) + np.sin(columns / 17 - rows / 6 - number / 9)
    water += (wave * 3 + 6).astype(np.uint8)
    # Within the shades of water: beyond them are hills and sky.
    np.clip(water, 120, 199, out=water)


def _caption(text: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a caption's colours and how opaque each pixel is."""
    x1, y1, x2, y2 = CAPTION_REGION
    image = Image.new("RGBA", (x2 - x1, y2 - y1), (20, 20, 20, 0))
    write_caption(image, text, y2 - y1 - 10, size=26)
    pixels = np.asarray(image).astype(np.float32)
    return pixels[..., :3], pixels[..., 3:] / np.float32(255)


def _music(length: int) -> Sound:
    """Return slow broken chords, so that lost or shifted sound can be heard."""
    rate = 44100
    samples = np.zeros(rate * SECONDS, np.float32)
    chords = ((220.0, 261.6, 329.6), (174.6, 220.0, 261.6), (196.0, 246.9, 293.7), (220.0, 261.6, 329.6))
    seconds = np.arange(rate * 2, dtype=np.float32) / rate
    for bar, chord in enumerate(chords):
        for beat, tone in enumerate((*chord, chord[1] * 2)):
            start = round((bar * 2 + beat * 0.5) * rate)
            note = np.sin(2 * np.pi * tone * seconds) + 0.3 * np.sin(4 * np.pi * tone * seconds)
            note *= np.exp(-seconds * 2.2) * 0.18
            end = min(len(samples), start + len(note))
            samples[start:end] += note[: end - start]
    return Sound(samples[: rate * length], rate)
