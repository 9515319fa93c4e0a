# SPDX-License-Identifier: Apache-2.0
"""The validated input of one operation, and how a broken rule is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Annotated, Any, ClassVar, NamedTuple, Self, TypeVar, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, ValidationInfo, model_validator
from pydantic.alias_generators import to_camel
from typing_extensions import is_typeddict

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.limits import MediaLimits

Request = TypeVar("Request", bound="JobRequest")


_FIELDS_ONLY = {"rules": "later"}
"""Validation context: fields are checked alone, since some values are not known yet."""


class Rule(NamedTuple):
    """A rule over several fields: ``holds`` gets their values in the order of ``fields``."""

    fields: tuple[str, ...]
    text: str
    holds: Callable[..., bool]


def _web_url(value: str) -> str:
    if not value.lower().startswith(("http://", "https://")) or not value.split("://", 1)[1].strip("/"):
        raise ValueError("must be an http:// or https:// URL")
    return value


WebUrl = Annotated[str, AfterValidator(_web_url)]
"""A URL that the vendor can fetch; kept as the text that was given, since a signed URL must not be re-encoded."""


class JobRequest(BaseModel):
    """What one operation needs. Fields are snake_case here and under their vendor's names (the aliases) on the wire."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        alias_generator=to_camel,
        hide_input_in_errors=True,
        loc_by_alias=False,
        # Importing an operator in a DAG file builds no validator: the first operator that is made does.
        defer_build=True,
    )

    operation: ClassVar[str]
    rules: ClassVar[tuple[Rule, ...]] = ()
    media_limits: ClassVar[Mapping[str, MediaLimits]] = {}
    """Fields that name media, and what the vendor documents that it takes."""

    @model_validator(mode="after")
    def _keep_rules(self, info: ValidationInfo) -> Self:
        if info.context is _FIELDS_ONLY:
            return self
        for rule in self.rules:
            if not rule.holds(*(getattr(self, name) for name in rule.fields)):
                raise ValueError(rule.text)
        return self

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Validate ``values`` (names in snake_case); raise :class:`InvalidRequest` naming each field and rule."""
        try:
            return cls.model_validate(cls._unquoted(values))
        except ValidationError as invalid:
            raise InvalidRequest(_told(cls, _problems(invalid))) from None

    @classmethod
    def check_known(cls, values: Mapping[str, Any], unknown: Collection[str]) -> None:
        """Validate all but the fields in ``unknown``, whose values are rendered later; raise as :meth:`parse`."""
        problems: list[str] = []
        values = cls._unquoted(values)
        try:
            cls.model_validate(values, context=_FIELDS_ONLY)
        except ValidationError as invalid:
            problems = list(_problems(invalid, unknown))
        if problems := problems or list(cls._broken_rules(values, unknown)):
            raise InvalidRequest(_told(cls, problems))

    @classmethod
    def _unquoted(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Undo what templates do to values: lists and objects become JSON text, and what is absent an empty text."""
        known = {}
        for name, value in values.items():
            field = cls.model_fields.get(name)
            if field is not None and isinstance(value, str):
                if value in ("", "None") and not field.is_required():
                    continue
                if value.lstrip()[:1] in ("[", "{") and _structured(field.annotation):
                    known[name] = _json_or_text(value)
                    continue
            known[name] = value
        return known

    @classmethod
    def _broken_rules(cls, values: Mapping[str, Any], unknown: Collection[str]) -> Iterator[str]:
        for rule in cls.rules:
            if not set(rule.fields) & set(unknown):
                known = (values.get(name, cls.model_fields[name].get_default()) for name in rule.fields)
                if not rule.holds(*known):
                    yield rule.text

    @property
    def chosen_id(self) -> str | None:
        """The job id that the user chose, where the vendor lets the caller choose it."""
        return None

    @property
    def polled_as(self) -> str:
        """The operation to ask for the job's status; some requests choose a variant of theirs."""
        return self.operation

    def to_vendor(self) -> dict[str, Any]:
        """Return the fields under the vendor's names, without those that were left out."""
        return self.model_dump(by_alias=True, exclude_none=True, mode="json")


def _structured(annotation: Any) -> bool:
    return (
        get_origin(annotation) in (list, dict)
        or is_typeddict(annotation)
        or any(map(_structured, get_args(annotation)))
    )


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _problems(invalid: ValidationError, unknown: Collection[str] = ()) -> Iterator[str]:
    for error in invalid.errors(include_url=False, include_input=False, include_context=False):
        where = error["loc"]
        text = error["msg"].removeprefix("Value error, ")
        if not where:
            yield text
        elif where[0] not in unknown:
            yield f"{_path(where)}: {text}"


def _path(where: tuple[int | str, ...]) -> str:
    return str(where[0]) + "".join(f"[{step}]" for step in where[1:])


def _told(request: type[JobRequest], problems: Collection[str] | Iterator[str]) -> str:
    return f"{request.operation} request is not valid: {'; '.join(problems)}"
