# SPDX-License-Identifier: Apache-2.0
"""Inpainting as a job, with a cache."""

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
    """What to fill in.

    :param source: the input.
    :param regions_for: called with the picture's width and height.
    :param recipe: says the same as ``regions_for``, in a form that can be compared.
    """

    source: Fetched
    regions_for: RegionsFor
    recipe: Hashable
    keep_audio: bool = True


class Inpainter:
    """Renders, and caches what it rendered.

    :param store: where results are.
    """

    def __init__(self, store: MediaStore) -> None:
        self._store = store
        self._done: dict[Hashable, tuple[Media, float]] = {}
        self._locks: dict[Hashable, threading.Lock] = {}

    def render(self, vendor: str, name: str, request: InpaintRequest, stop: Stop) -> Rendered:
        """Return the result for one job; called in render threads.

        :param name: of the result's file.
        :param request: what to fill in.
        :param stop: ends the rendering early.
        :returns: media with a URL of their own, also when the bytes are those of another job.
        :raises RenderingFailed: as :func:`inpaint` does.
        """
        # By content: the same clip comes by many URLs, and thousands of jobs with it are rendered once.
        key = (request.source.md5, request.recipe, request.keep_audio)
        # One lock per key: equal jobs wait for the first, others do not. setdefault() is atomic, so no lock is needed
        # for the locks.
        with self._locks.setdefault(key, threading.Lock()):
            if key not in self._done:
                media = self._store.add(vendor, name)
                seconds = inpaint(
                    request.source.path, media.path, request.regions_for, keep_audio=request.keep_audio, stop=stop
                )
                self._done[key] = (media, seconds)
        painted, seconds = self._done[key]
        return Rendered(self._store.add(vendor, name, painted.path), round(seconds * 1000))
