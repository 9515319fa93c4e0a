# SPDX-License-Identifier: Apache-2.0
"""Look at videos: how long they are, whether they play, and a picture of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import av
from PIL import Image, ImageDraw, ImageFont

_COLUMNS = 4
_TOLERANCE = 0.3  # seconds; a frame or two, and what the sound's last packet adds
_WIDTH, _HEIGHT, _GAP, _LABEL = 320, 180, 8, 26


@dataclass(frozen=True)
class Facts:
    """What a video is: seconds, pixels, and whether it has sound."""

    seconds: float
    width: int
    height: int
    sound: bool


def probe(path: Path) -> Facts:
    """Decode a video to its end; raise ``ValueError`` if it does not play."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        end = 0.0
        for frame in container.decode(stream):
            end = max(end, (frame.time or 0.0) + float(1 / (stream.average_rate or 25)))
        if not end:
            raise ValueError(f"{path.name} has no picture")
        return Facts(end, stream.width, stream.height, bool(container.streams.audio))


def check(source: Path, files: Mapping[str, Path], *, trimmed_seconds: float) -> None:
    """Raise ``ValueError`` if a result is not what was requested.

    :param source: the clip that the jobs got.
    :param files: the results' paths by name.
    :param trimmed_seconds: the duration that the trimmed clip must have.
    """
    expected = {"erased": probe(source).seconds, "erased_by_aidge": probe(source).seconds, "trimmed": trimmed_seconds}
    for name, path in files.items():
        seconds = probe(path).seconds
        if name in expected and abs(seconds - expected[name]) > _TOLERANCE:
            raise ValueError(f"{name} lasts {seconds:.2f} s, not {expected[name]:.2f} s")


def draw(source: Path, files: Mapping[str, Path], path: Path) -> Path:
    """Draw a row of frames for each video, the source first, and return the picture's path."""
    rows = {"before": source, **files}
    size = (_COLUMNS * (_WIDTH + _GAP) + _GAP, len(rows) * (_HEIGHT + _LABEL + _GAP) + _GAP)
    sheet = Image.new("RGB", size, "#14171c")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for row, (name, video) in enumerate(rows.items()):
        top = _GAP + row * (_HEIGHT + _LABEL + _GAP)
        pen.text((_GAP, top + 3), f"{name.replace('_', ' ')}  -  {probe(video).seconds:.1f} s", "#e6e8eb", font=font)
        for column, frame in enumerate(_frames(video)):
            frame.thumbnail((_WIDTH, _HEIGHT))
            left = _GAP + column * (_WIDTH + _GAP) + (_WIDTH - frame.width) // 2
            sheet.paste(frame, (left, top + _LABEL + (_HEIGHT - frame.height) // 2))
    sheet.save(path)
    return path


def _frames(video: Path) -> Iterator[Image.Image]:
    seconds = probe(video).seconds
    # In the middle of each quarter the presenters of the demo pause, and look as if they never spoke.
    wanted = [seconds * (column + 0.35) / _COLUMNS for column in range(_COLUMNS)]
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            if wanted and (frame.time or 0.0) >= wanted[0]:
                wanted.pop(0)
                yield frame.to_image()
