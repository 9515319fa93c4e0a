# SPDX-License-Identifier: Apache-2.0
"""Where a vendor's documents describe more than one form of answer: which one to give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_videoai.sandbox.credentials import VENDORS
from airflow_provider_videoai.sandbox.faults import InvalidControlRequest

SHAPES: dict[str, tuple[str, ...]] = {key: each.SHAPES for key, each in VENDORS.items() if hasattr(each, "SHAPES")}
"""Allowed shapes by vendor; the first is the default. A vendor with one form of answer has none."""


class ResponseShapes:
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
        """Choose shapes."""
        for vendor, shape in wanted.items():
            if shape not in SHAPES.get(vendor, ()):
                allowed = SHAPES.get(vendor, "none: this vendor has one form of answer only")
                raise InvalidControlRequest(vendor, f"no shape {shape!r} for {vendor}; there are {allowed}")
        self._chosen.update(wanted)

    def describe(self) -> dict[str, str]:
        """Return the shape by vendor."""
        return dict(self._chosen)
