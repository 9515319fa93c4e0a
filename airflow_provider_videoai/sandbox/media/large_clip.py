# SPDX-License-Identifier: Apache-2.0
"""A video of any size: the sample clip, followed by a box that players skip, filled with bytes that never repeat."""

from __future__ import annotations

import random
from pathlib import Path

from airflow_provider_videoai.sandbox.media import samples

_MEGABYTE = 1000 * 1000
_BOX_HEADER = 8


def write_large_clip(path: Path, megabytes: int) -> None:
    """Write an mp4 of exactly this size; the same bytes every time.

    :param path: the file.
    :param megabytes: millions of bytes, at least 1.
    """
    clip = samples.sample_clip()
    rest = megabytes * _MEGABYTE - len(clip)
    # Seeded: a transfer that is resumed after a reset of the sandbox must find the same file. Not zeros, as a chunk
    # that was written twice or in the wrong place would not show in them.
    noise = random.Random(megabytes)  # noqa: S311 - not for secrets: it must be the same at each time
    with path.open("wb") as file:
        file.write(clip)
        # A "free" box (ISO/IEC 14496-12): its length in 32 bits, its type, and any content.
        file.write(rest.to_bytes(4, "big") + b"free")
        left = rest - _BOX_HEADER
        while left:
            left -= file.write(noise.randbytes(min(left, _MEGABYTE)))
