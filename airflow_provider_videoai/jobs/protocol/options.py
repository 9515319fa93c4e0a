# SPDX-License-Identifier: Apache-2.0
"""The options of an account, from the extra of its connection.

A model declares each option once: its name, rule and default, and for the connection form its label and description.
Airflow reads the models in every process, so this module imports pydantic and nothing heavier.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

if TYPE_CHECKING:
    from airflow_provider_videoai.jobs.errors import InvalidRequest

__all__ = ["TOLERANCE", "ConnectionOptions", "OptionKind"]

TOLERANCE = 15 * 60
"""Seconds for which a failing vendor is tolerated unless the account says otherwise."""

# Characters of a wrong value that an error shows.
_SHOWN = 60


class ConnectionOptions(BaseModel):
    """What every vendor's connection takes in its extra; a vendor adds its own options in a subclass.

    An option is a ``float`` or ``int`` with ``ge`` and ``le``, a ``bool``, a ``Literal`` of words, or a ``str`` with
    ``max_length``, which is sent as a header. It may be ``None`` if there is no default. ``title`` is its label in the
    connection form. ``json_schema_extra`` may hold its ``unit`` for errors, and what Airflow's form reads beside:
    ``values_display``, ``enum``. A secret is never an option: login and password are masked, an extra is not.
    """

    # defer_build: most processes list the options (for Airflow's form) and never read a connection.
    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, defer_build=True, hide_input_in_errors=True, allow_inf_nan=False
    )

    max_requests_per_minute: float | None = Field(
        default=None,
        title="Requests per minute",
        description="The most requests per minute to this account. Empty: the vendor's documented limit.",
        ge=0.001,
        le=1_000_000,
    )
    max_jobs_in_flight: int | None = Field(
        default=None,
        title="Jobs in flight",
        description="The most jobs of this account at a time. Empty: the vendor's documented number, if there is one.",
        ge=1,
        le=1_000_000,
    )
    # 30 s is the longest response time that a vendor documents: Aidge's, which advises clients to wait no longer.
    timeout: float = Field(
        default=30,
        title="Timeout (seconds)",
        description="How long one request may take, from connecting to the last byte of its response.",
        ge=0.001,
        le=86_400,
        json_schema_extra={"unit": "seconds"},
    )
    outage_tolerance: float = Field(
        default=TOLERANCE,
        title="Outage tolerance (seconds)",
        description="For how long a waiting task tolerates that the vendor cannot be reached.",
        ge=0.001,
        le=1_000_000_000,
        json_schema_extra={"unit": "seconds"},
    )
    # The URL of a result comes from outside: by default it cannot make a worker fetch from the user's own network.
    allow_private_addresses: bool = Field(
        default=False,
        title="Results in my own network",
        description="Let results be fetched from private and local addresses, which are refused otherwise.",
    )

    @classmethod
    def read(cls, given: Mapping[str, Any], where: str) -> Self:
        """Read the options of a connection's extra; one that is null or empty has its default.

        Values may be native or strings, as Airflow's form, a URI and JSON write them.

        :param given: the extra, by the options' names.
        :param where: how an error's text begins: with the connection.
        :raises InvalidRequest: for an unknown name, or a value that breaks its rule.
        """
        # Before pydantic: its error would not say which option may have been meant.
        for name in given:
            if name not in cls.model_fields:
                raise _refusal(where, "extra has no option", name, _meant(name, cls.model_fields))
        try:
            return cls.model_validate({name: value for name, value in given.items() if value not in (None, "")})
        except ValidationError as invalid:
            wrong = invalid.errors(include_url=False, include_context=False, include_input=False)
            name = str(wrong[0]["loc"][0])
            rule = OptionKind.of(cls.model_fields[name]).rule
            raise _refusal(where, f"extra {name!r} {rule}, not", given[name]) from None

    @classmethod
    def of(cls, options: ConnectionOptions) -> Self:
        """Return options as this vendor's model.

        :param options: an account's; those of an account that was made without any are of the base model.
        """
        return options if isinstance(options, cls) else cls(**options.model_dump())

    @field_validator("*", mode="before")
    @classmethod
    def _native(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None or info.field_name is None:
            return value
        return OptionKind.of(cls.model_fields[info.field_name]).native(value)


class OptionKind(NamedTuple):
    """Which values an option takes, read from its field."""

    type: type
    """``float``, ``int``, ``bool`` or ``str``."""
    choices: tuple[Any, ...]
    least: float | None
    most: float | None
    longest: int | None
    more: Mapping[str, Any]
    """What the model says to the form and to errors alone."""

    @classmethod
    def of(cls, field: FieldInfo) -> Self:
        """Read the kind of an option from its field.

        :param field: of a subclass of :class:`ConnectionOptions`.
        """
        kind: Any = field.annotation
        if get_origin(kind) in (Union, UnionType):
            (kind,) = (each for each in get_args(kind) if each is not NoneType)
        choices = get_args(kind) if get_origin(kind) is Literal else ()
        return cls(
            type=type(choices[0]) if choices else kind,
            choices=choices,
            least=_rule(field, "ge"),
            most=_rule(field, "le"),
            longest=_rule(field, "max_length"),
            more=field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {},
        )

    @property
    def rule(self) -> str:
        """The rule in words, for an error."""
        if self.choices:
            return f"must be {' or '.join(map(str, self.choices))}"
        if self.type is bool:
            return "must be true or false"
        if self.type is str:
            return f"must be a string of 1 to {self.longest} printable ASCII characters"
        if self.type is int:
            return f"must be a whole number from {self.least} to {self.most}"
        unit = f" {self.more['unit']}" if "unit" in self.more else ""
        return f"must be a number greater than 0, from {self.least:g} to {self.most:.15g}{unit}"

    def native(self, value: Any) -> Any:
        """Return a value that was given natively or as a string in the option's own type.

        :param value: as the connection holds it.
        :raises ValueError: for a value of another type; pydantic's own reading would take more, ``"on"`` for a flag.
        """
        if self.choices:
            return _word(value)
        if self.type is bool:
            return _flag(value)
        return _header_text(value) if self.type is str else _number(value, self.type)


def _refusal(where: str, problem: str, value: object, advice: str = "") -> InvalidRequest:
    # Imported when there is an error: these modules take longer to load than all options together.
    from airflow_provider_videoai.jobs.errors import InvalidRequest
    from airflow_provider_videoai.jobs.values.printable import shown

    return InvalidRequest(f"{where}: {problem} {shown(value, _SHOWN)}{advice}; nothing was sent")


def _rule(field: FieldInfo, name: str) -> Any:
    return next((getattr(rule, name) for rule in field.metadata if hasattr(rule, name)), None)


def _number(value: Any, wanted: type) -> float | int:
    # Not True for 1, and not 1.9 for 1: an option that is read as something else than was meant is worse than an error.
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError  # noqa: TRY004 - pydantic reads a ValueError only
    try:
        if wanted is float:
            return float(value)
        number = int(value)
    except OverflowError:
        raise ValueError from None
    if isinstance(value, float) and number != value:
        raise ValueError
    return number


def _flag(value: Any) -> bool:
    # pydantic would take "on", "y" and 1 as well, but a permission must be clear.
    word = _word(value)
    if word not in ("true", "false"):
        raise ValueError
    return word == "true"


def _word(value: Any) -> str:
    if not isinstance(value, str | bool):
        raise ValueError  # noqa: TRY004 - as above
    return str(value).strip().lower()


def _header_text(value: Any) -> str:
    # It is sent as a header: a line break in it would begin another one.
    text = value.strip() if isinstance(value, str) else ""
    if not text or not (text.isascii() and text.isprintable()):
        raise ValueError
    return text


def _meant(name: str, known: Mapping[str, Any]) -> str:
    from difflib import get_close_matches  # only an error needs it

    close = get_close_matches(name[:_SHOWN].lower(), known, n=1)
    guess = f": did you mean {close[0]!r}?" if close else "."
    return f"{guess} It takes {', '.join(known)}"
