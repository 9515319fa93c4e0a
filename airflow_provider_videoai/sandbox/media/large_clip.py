# SPDX-License-Identifier: Apache-2.0
"""A video of any size: the sample clip, and then a box that players pass over, full of bytes that never repeat."""

from __future__ import annotations

import random
from pathlib import Path

from airflow_provider_videoai.sandbox.media import samples

_MEGABYTE = 1000 * 1000
_BOX_HEADER = 8


def write_large_clip(path: Path, megabytes: int) -> None:
    """Write an mp4 of so many million bytes, the same at each time."""
    clip = samples.sample_clip()
    rest = megabytes * _MEGABYTE - len(clip)
    noise = random.Random(megabytes)  # noqa: S311 - not for secrets: it must be the same at each time
    with path.open("wb") as file:
        file.write(clip)
        file.write(rest.to_bytes(4, "big") + b"free")
        left = rest - _BOX_HEADER
        while left:
            left -= file.write(noise.randbytes(min(left, _MEGABYTE)))
