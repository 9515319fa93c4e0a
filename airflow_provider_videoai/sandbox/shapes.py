# SPDX-License-Identifier: Apache-2.0
"""Response shapes: if a vendor's documents describe more than one form of a response, which one to send.

A client has to read every documented one, as nobody can say which the vendor sends today.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_videoai.sandbox.credentials import VENDORS
from airflow_provider_videoai.sandbox.faults import InvalidControlRequest

SHAPES: dict[str, tuple[str, ...]] = {key: each.SHAPES for key, each in VENDORS.items() if hasattr(each, "SHAPES")}
"""Allowed shapes by vendor; the first is the default. A vendor with one form of response has none."""


class ResponseShapes:
    """The response shape that each vendor sends."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Return to the defaults."""
        self._chosen = {vendor: shapes[0] for vendor, shapes in SHAPES.items()}

    def of(self, vendor: str) -> str:
        """Return the shape of the responses of ``vendor``.

        :param vendor: one that has shapes.
        :raises KeyError: for a vendor with one form of response only.
        """
        return self._chosen[vendor]

    def choose(self, wanted: Mapping[str, Any]) -> None:
        """Choose shapes; the vendors that are not named keep theirs.

        :param wanted: the shape by vendor.
        :raises InvalidControlRequest: for a vendor without shapes, or a shape that the vendor does not have.
        """
        for vendor, shape in wanted.items():
            if shape not in SHAPES.get(vendor, ()):
                allowed = SHAPES.get(vendor, "none: this vendor has one form of response only")
                raise InvalidControlRequest(vendor, f"no shape {shape!r} for {vendor}; there are {allowed}")
        # Only after all of them were checked: a refused request changes nothing.
        self._chosen.update(wanted)

    def describe(self) -> dict[str, str]:
        """Return the shape by vendor."""
        return dict(self._chosen)
