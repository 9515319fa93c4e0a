# SPDX-License-Identifier: Apache-2.0
"""Where a vendor's documents describe more than one form of answer: which one to give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_videoai.sandbox.faults import BadControl

SHAPES: dict[str, tuple[str, ...]] = {
    # taskStatus: as Aidge's sibling calls. bare: no state, a videoUrl means done. TaskStatus: PascalCase edition.
    "aidge": ("taskStatus", "bare", "TaskStatus"),
    # The new edition's documents type the status as a string.
    "cdnetworks": ("int", "string"),
    # Topview's own client takes both words for a failed task.
    "topview": ("fail", "failed"),
    # Tencent's own samples omit Status: Progress 100 or -1 is all there is.
    "tencent_ivh": ("status", "no_status"),
}
"""Allowed shapes by vendor; the first is the default. ViiTor documents one form only."""


class Shapes:
    """The chosen shapes."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Return to the defaults."""
        self._chosen = {vendor: shapes[0] for vendor, shapes in SHAPES.items()}

    def of(self, vendor: str) -> str:
        """Return the shape that ``vendor`` answers in."""
        return self._chosen[vendor]

    def choose(self, wanted: Mapping[str, Any]) -> None:
        """Choose shapes. Raises :class:`BadControl` that names a vendor without shapes or with a wrong one."""
        for vendor, shape in wanted.items():
            if shape not in SHAPES.get(vendor, ()):
                allowed = SHAPES.get(vendor, "none: this vendor has one form of answer only")
                raise BadControl(vendor, f"no shape {shape!r} for {vendor}; there are {allowed}")
        self._chosen.update(wanted)

    def describe(self) -> dict[str, str]:
        """Return the shape by vendor."""
        return dict(self._chosen)
