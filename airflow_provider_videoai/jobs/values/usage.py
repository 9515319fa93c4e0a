# SPDX-License-Identifier: Apache-2.0
"""What a job used, of what is paid for: as the vendor reports it, or as it was measured here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Literal, Self

__all__ = ["Usage", "amount", "usage_of_all"]

# Beyond it a float is no longer exact to one.
_MAX_AMOUNT = 2**53


def amount(value: object) -> float | None:
    """Read an amount of something.

    Text is refused, even ``"12"``: a vendor that documents a number and sends a text means something that is not
    documented (a unit, a currency, a thousands separator).

    :param value: any JSON value, or a ``Decimal``.
    :returns: a finite number from 0 to 2**53; ``None`` for anything else, since a wrong number is worse than none.
    """
    if isinstance(value, Decimal):
        value = float(value) if value.is_finite() else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value <= _MAX_AMOUNT else None  # a NaN is in no order


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one job used; ``None`` for what is unknown, never a guess.

    :param credits: in the vendor's own credits; no vendor's price of a credit is known here.
    :param seconds: of media, as the vendor bills them.
    :param jobs: how many jobs it counts for.
    :param source: ``vendor`` if the vendor said it, ``measured`` if this package measured it.
    """

    credits: float | None = None
    seconds: float | None = None
    jobs: int | None = None
    source: Literal["vendor", "measured"] = "vendor"

    def __post_init__(self) -> None:
        """Replace what is no amount by ``None``: usage is reported beside a result, and must not cost one."""
        object.__setattr__(self, "credits", amount(self.credits))
        object.__setattr__(self, "seconds", amount(self.seconds))
        jobs = amount(self.jobs)
        object.__setattr__(self, "jobs", jobs if isinstance(jobs, int) else None)

    @property
    def known(self) -> bool:
        """Whether anything is known."""
        return (self.credits, self.seconds, self.jobs) != (None, None, None)

    def or_none(self) -> Self | None:
        """Return itself, or ``None`` if nothing is known."""
        return self if self.known else None

    def describe(self) -> str:
        """Return it in a few words, such as ``12 credits, 4.5 s``; empty if nothing is known."""
        parts = ((self.credits, "credit"), (self.jobs, "job"))
        words = [f"{_plain(value)} {unit}{'' if value == 1 else 's'}" for value, unit in parts if value is not None]
        if self.seconds is not None:
            words.insert(1 if self.credits is not None else 0, f"{_plain(self.seconds)} s")
        return ", ".join(words)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; :meth:`from_json` reads them back."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Any) -> Self | None:
        """Read what :meth:`to_json` of any version wrote.

        :param stored: outside data.
        :returns: ``None`` if it holds nothing that can be relied on.
        """
        if not isinstance(stored, Mapping) or stored.get("source") not in ("vendor", "measured"):
            return None
        amounts = {name: stored.get(name) for name in ("credits", "seconds", "jobs")}
        return cls(**amounts, source=stored["source"]).or_none()


def usage_of_all(usages: Iterable[Usage]) -> Usage | None:
    """Add up what several jobs used; ``None`` if nothing is known of any.

    :param usages: of the jobs of which something is known.
    """
    known = list(usages)
    amounts = {
        name: sum(values)
        if (values := [value for each in known if (value := getattr(each, name)) is not None])
        else None
        for name in ("credits", "seconds", "jobs")
    }
    measured = any(each.source == "measured" for each in known)
    return Usage(**amounts, source="measured" if measured else "vendor").or_none()


def _plain(value: float) -> str:
    # "12 credits", not "12.0 credits": vendors send whole numbers as floats, too.
    return str(int(value)) if value == int(value) else repr(value)
