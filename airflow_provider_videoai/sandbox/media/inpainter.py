# SPDX-License-Identifier: Apache-2.0
"""Repainting as a job: the same bytes with the same regions are painted once, so that thousands of jobs stay cheap."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import dataclass

from airflow_provider_videoai.sandbox.media.fetching import Fetched
from airflow_provider_videoai.sandbox.media.inpaint import RegionsFor, inpaint
from airflow_provider_videoai.sandbox.media.rendered import Media, Rendered, Stop
from airflow_provider_videoai.sandbox.media.store import MediaStore


@dataclass(frozen=True)
class InpaintRequest:
    """What to paint; ``recipe`` says the same as ``regions_for``, in a form that can be compared."""

    source: Fetched
    regions_for: RegionsFor
    recipe: Hashable
    keep_audio: bool = True


class Inpainter:
    """Paints, and remembers what it painted. Every job gets a URL of its own all the same."""

    def __init__(self, store: MediaStore) -> None:
        self._store = store
        self._done: dict[Hashable, tuple[Media, float]] = {}
        self._locks: dict[Hashable, threading.Lock] = {}

    def render(self, vendor: str, name: str, request: InpaintRequest, stop: Stop) -> Rendered:
        """Return the result for one job; called in render threads. Raises as :func:`inpaint` does."""
        key = (request.source.md5, request.recipe, request.keep_audio)
        with self._locks.setdefault(key, threading.Lock()):
            if key not in self._done:
                media = self._store.add(vendor, name)
                seconds = inpaint(
                    request.source.path, media.path, request.regions_for, keep_audio=request.keep_audio, stop=stop
                )
                self._done[key] = (media, seconds)
        painted, seconds = self._done[key]
        return Rendered(self._store.add(vendor, name, painted.path), round(seconds * 1000))
