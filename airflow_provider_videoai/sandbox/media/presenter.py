# SPDX-License-Identifier: Apache-2.0
"""A drawn presenter whose mouth follows the sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from av.video.frame import VideoFrame
from PIL import Image, ImageDraw, ImageFont

from airflow_provider_videoai.sandbox.media.container import Sound
from airflow_provider_videoai.sandbox.media.script import Script

SIZE = (360, 480)
RATE = Fraction(25)
# Few steps, so that few pictures are drawn.
OPENINGS = 6
# Drawn at twice the size and scaled down: Pillow's shapes have no anti-aliasing.
SCALE = 2
# In pixels. Each step of it is a picture to draw, and to keep.
_SWAY = 7
GREEN = (0, 177, 64, 255)
CLEAR = (0, 0, 0, 0)

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Look:
    """The colours of one presenter.

    :param pitch: of its voice, in Hz.
    :param studio: the background, if the request wants none of its own.
    """

    skin: Colour
    hair: Colour
    jacket: Colour
    shirt: Colour
    pitch: float
    long_hair: bool = False
    glasses: bool = False
    studio: Colour = (96, 132, 158)


LOOKS = (
    Look((241, 201, 172), (92, 58, 38), (45, 74, 124), (245, 245, 250), 205.0, long_hair=True),
    Look((198, 150, 118), (38, 30, 30), (64, 92, 78), (250, 244, 232), 118.0),
    Look(
        *((226, 178, 146), (150, 150, 156), (122, 44, 54), (236, 226, 206), 150.0),
        glasses=True,
        studio=(150, 122, 92),
    ),
)


@dataclass(frozen=True)
class Pose:
    """One drawing.

    :param opening: how far the mouth is open, from 0.
    :param blinking: whether the eyes are closed.
    :param sway: pixels to the right, of the head; the face turns with it, and the shoulders follow.
    :param caption: empty: none.
    """

    opening: int
    blinking: bool
    sway: int
    caption: str


def poses(sound: Sound, script: Script | None) -> Iterator[Pose]:
    """Yield the pose of every frame.

    :param sound: what the mouth follows.
    :param script: where captions come from; ``None``: none.
    """
    count = max(1, round(sound.seconds * float(RATE)))
    openings = _openings(sound, count)
    for number in range(count):
        seconds = number / float(RATE)
        yield Pose(
            opening=openings[number],
            # By frame number, not at random: the same text yields the same video.
            blinking=number % 90 in (60, 61, 62),
            sway=round(_SWAY * np.sin(seconds * 1.7)),
            caption=_caption_at(script, seconds),
        )


def _openings(sound: Sound, count: int) -> list[int]:
    window = sound.rate // int(RATE)
    padded = np.zeros(count * window, np.float32)
    used = min(len(padded), len(sound.samples))
    padded[:used] = sound.samples[:used]
    loudness = np.sqrt((padded.reshape(count, window) ** 2).mean(1))
    # Silence has no loudest frame, and must not divide by zero.
    top = float(loudness.max()) or 1.0
    return [int(level) for level in np.minimum(OPENINGS - 1, loudness / top * OPENINGS)]


def _caption_at(script: Script | None, seconds: float) -> str:
    for sentence in script.sentences if script else ():
        if sentence.words[0].start <= seconds <= sentence.words[-1].end:
            return sentence.text
    return ""


def frames(
    sound: Sound, look: Look, background: tuple[int, int, int, int] | None, pixels: str, script: Script | None
) -> Iterator[VideoFrame]:
    """Yield frames.

    :param sound: what the mouth follows.
    :param background: RGBA; ``None``: a studio.
    :param pixels: FFmpeg's name of their pixel format.
    :param script: where captions come from; ``None``: none.
    """
    # Few poses occur: a frame is drawn and converted once, and repeated by reference.
    drawn: dict[Pose, VideoFrame] = {}
    for pose in poses(sound, script):
        if pose not in drawn:
            picture = np.asarray(draw(look, pose, background))
            drawn[pose] = VideoFrame.from_ndarray(picture, "rgba").reformat(*SIZE, pixels)
        yield drawn[pose]


def draw(look: Look, pose: Pose, background: tuple[int, int, int, int] | None) -> Image.Image:
    """Draw one picture.

    :param look: of the presenter.
    :param background: RGBA; ``None``: a studio.
    """
    width, height = SIZE[0] * SCALE, SIZE[1] * SCALE
    image = _studio(look.studio).copy() if background is None else Image.new("RGBA", (width, height), background)
    pen = ImageDraw.Draw(image)
    _body(pen, look, width // 2 + pose.sway * SCALE // 3, height)
    _head(pen, look, pose, width // 2 + pose.sway * SCALE)
    image = image.resize(SIZE, Image.Resampling.BOX)
    # After scaling, as Pillow smooths text by itself.
    if pose.caption:
        write_caption(image, pose.caption, SIZE[1] - 16)
    return image


@lru_cache(maxsize=len(LOOKS))
def _studio(colour: Colour) -> Image.Image:
    width, height = SIZE[0] * SCALE, SIZE[1] * SCALE
    across = np.linspace(-1, 1, width)[None, :]
    down = np.linspace(-1, 1, height)[:, None]
    light = np.clip(1.15 - 0.55 * (across**2 + (down + 0.3) ** 2), 0.35, 1.0)[..., None]
    colours = np.array(colour) * light
    return Image.fromarray(colours.astype(np.uint8), "RGB").convert("RGBA")


def _body(pen: ImageDraw.ImageDraw, look: Look, middle: int, height: int) -> None:
    top = 640
    pen.rounded_rectangle((middle - 265, top, middle + 265, height + 120), 130, fill=look.jacket)
    pen.polygon([(middle - 75, top), (middle + 75, top), (middle, height - 60)], fill=look.shirt)
    shade = tuple(part * 9 // 10 for part in look.skin)
    pen.rounded_rectangle((middle - 52, 540, middle + 52, 690), 45, fill=shade)


def _head(pen: ImageDraw.ImageDraw, look: Look, pose: Pose, middle: int) -> None:
    if look.long_hair:
        pen.rounded_rectangle((middle - 170, 210, middle + 170, 640), 120, fill=look.hair)
    pen.ellipse((middle - 160, 165, middle + 160, 480), fill=look.hair)
    pen.ellipse((middle - 135, 215, middle + 135, 590), fill=look.skin)
    pen.chord((middle - 140, 185, middle + 140, 390), 180, 360, fill=look.hair)
    middle += pose.sway * SCALE  # a face that turns moves further than its head
    for side in (-1, 1):
        _eye(pen, look, middle + side * 55, closed=pose.blinking)
        pen.ellipse((middle + side * 88 - 26, 445, middle + side * 88 + 26, 480), fill=_blush(look))
        if look.glasses:
            pen.ellipse((middle + side * 55 - 42, 352, middle + side * 55 + 42, 432), outline=(40, 40, 46), width=7)
    if look.glasses:
        pen.line((middle - 15, 388, middle + 15, 388), fill=(40, 40, 46), width=7)
    pen.line((middle, 395, middle - 10, 448, middle + 10, 452), fill=_blush(look), width=7)
    _mouth(pen, pose.opening, middle)


def _eye(pen: ImageDraw.ImageDraw, look: Look, x: int, *, closed: bool) -> None:
    pen.arc((x - 32, 335, x + 32, 380), 200, 340, fill=look.hair, width=8)
    if closed:
        pen.arc((x - 24, 372, x + 24, 408), 10, 170, fill=(60, 45, 40), width=6)
        return
    pen.ellipse((x - 24, 374, x + 24, 410), fill=(252, 252, 252))
    pen.ellipse((x - 13, 378, x + 13, 406), fill=(70, 90, 60))
    pen.ellipse((x - 6, 385, x + 6, 399), fill=(20, 20, 20))
    pen.ellipse((x + 1, 382, x + 8, 389), fill=(255, 255, 255))


def _mouth(pen: ImageDraw.ImageDraw, opening: int, middle: int) -> None:
    if not opening:
        pen.arc((middle - 48, 470, middle + 48, 522), 20, 160, fill=(168, 78, 78), width=9)
        return
    half = 8 + 6 * opening
    pen.ellipse((middle - 44, 508 - half, middle + 44, 508 + half), fill=(168, 70, 74))
    pen.ellipse((middle - 34, 508 - half + 8, middle + 34, 508 + half - 6), fill=(92, 28, 36))
    pen.rounded_rectangle((middle - 26, 508 - half + 8, middle + 26, 508 - half + 15), 4, fill=(250, 248, 244))


def _blush(look: Look) -> Colour:
    red, green, blue = look.skin
    return min(255, red + 4), green * 85 // 100, blue * 82 // 100


def write_caption(image: Image.Image, text: str, bottom: int, size: int = 17) -> None:
    """Write white text with a dark outline, centred and wrapped.

    :param image: changed in place.
    :param bottom: where the last line ends, in pixels.
    :param size: of the font, in pixels.
    """
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(size)
    lines = _wrapped(pen, text, font, image.width - 32)
    pen.multiline_text(
        (image.width // 2, bottom),
        "\n".join(lines),
        font=font,
        fill=(255, 255, 255),
        stroke_width=2,
        stroke_fill=(20, 20, 20),
        anchor="md",
        align="center",
    )


def _wrapped(
    pen: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int
) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and pen.textlength(longer, font=font) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
