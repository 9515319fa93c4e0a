# SPDX-License-Identifier: Apache-2.0
"""The validated input of one operation, and what an error says of a broken rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, NamedTuple, Self, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.media_limits import MediaLimits
from airflow_provider_videoai.jobs.values.field_values import (
    LARGEST_INTEGER,
    Shape,
    is_empty,
    objection,
    shape_of,
    too_large,
    unquoted,
)
from airflow_provider_videoai.jobs.values.given_value import as_given
from airflow_provider_videoai.jobs.values.printable import printable

__all__ = ["InputUrl", "JobRequest", "Request", "Rule", "WebUrl"]

Request = TypeVar("Request", bound="JobRequest")


# A name that nobody declared is a user's: an error quotes this many characters of it.
_LONGEST_NAME = 80
# Validation context: fields are checked alone, since some values are not known yet.
_FIELDS_ONLY = {"rules": "later"}


class Rule(NamedTuple):
    """A rule over several fields.

    :param fields: the names of the fields.
    :param text: what an error says when the rule is broken.
    :param holds: whether it is kept; it gets the values in the order of ``fields``.
    """

    fields: tuple[str, ...]
    text: str
    holds: Callable[..., bool]


def _web_url(value: str) -> str:
    value = value.strip()
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError("must be an http:// or https:// URL that the vendor can fetch")
    if any(character.isspace() or not character.isprintable() for character in value):
        raise ValueError("must be an http:// or https:// URL without whitespace: write a space as %20")
    return value


WebUrl = Annotated[str, AfterValidator(_web_url)]
"""A URL that the vendor can fetch; kept as the text that was given, since a signed URL must not be re-encoded.

Whitespace around it is dropped: a template that spans lines brings some.
"""

_STORE = re.compile(r"(?:s3|s3a|gs|gcs|abfs|abfss|adl)://", re.IGNORECASE)
"""How the URL of an object begins whose store signs URLs, in the notation of Airflow's ``ObjectStoragePath``."""


def _input_url(value: str) -> str:
    value = value.strip()
    if value.lower().startswith(("http:", "https:")):
        return _web_url(value)
    if (scheme := _STORE.match(value)) is None:
        raise ValueError(
            "must be an http:// or https:// URL that the vendor can fetch, or the URL of an object in a store that "
            "signs URLs: s3://conn@bucket/key (s3, s3a, gs, gcs, abfs, abfss or adl)"
        )
    container, _, key = value[scheme.end() :].partition("/")
    if not container.rpartition("@")[2] or not key or key.endswith("/"):
        raise ValueError("must name an object in its bucket: s3://conn@bucket/key")
    return value


class _Fetched:
    """Marks a field that names media which the vendor fetches."""


InputUrl = Annotated[str, AfterValidator(_input_url), _Fetched()]
"""Media that the vendor fetches: a :data:`WebUrl`, or an object in the user's store.

The object's URL stays what it is in the request, and so in its fingerprint; it is replaced by a signed URL when a job
is about to be bought.
"""


class JobRequest(BaseModel):
    """What one operation needs. Fields are snake_case here and under their vendor's names (the aliases) on the wire."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        alias_generator=to_camel,
        hide_input_in_errors=True,
        # Errors name fields as the operator's arguments are named.
        loc_by_alias=False,
        allow_inf_nan=False,
        # A text field given a number takes its text, which is what a template makes of it as well.
        coerce_numbers_to_str=True,
        # Importing an operator in a DAG file builds no validator: the first operator that is made does.
        defer_build=True,
    )

    operation: ClassVar[str]
    rules: ClassVar[tuple[Rule, ...]] = ()
    media_limits: ClassVar[Mapping[str, MediaLimits]] = {}
    """Fields that name media, and what the vendor documents that it takes."""

    @field_validator("*", mode="wrap")
    @classmethod
    def _keep_common_rules(cls, value: Any, validate: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        name = str(info.field_name)
        if cls.model_fields[name].is_required() and is_empty(value):
            raise ValueError("must be given, and came empty: check the template, or the XCom key, that it comes from")
        if why := objection(cls.shape(name), value):
            raise ValueError(why)
        kept = validate(value)
        if isinstance(kept, int) and abs(kept) > LARGEST_INTEGER:  # of a text of digits
            raise ValueError(too_large(kept))
        return kept

    @model_validator(mode="after")
    def _keep_rules(self, info: ValidationInfo) -> Self:
        if info.context is _FIELDS_ONLY:
            return self
        for rule in self.rules:
            if not rule.holds(*(getattr(self, name) for name in rule.fields)):
                raise ValueError(rule.text)
        return self

    @classmethod
    @cache
    def shape(cls, name: str) -> Shape:
        """Return what kind of value a field takes.

        :param name: the field, in snake_case.
        """
        return shape_of(cls.model_fields[name].annotation)

    @classmethod
    @cache
    def inputs(cls) -> tuple[str, ...]:
        """Return the names of the fields that are an :data:`InputUrl`."""
        return tuple(name for name, field in cls.model_fields.items() if _is_fetched(field))

    def stored_inputs(self) -> dict[str, str]:
        """Return the inputs that are objects in a store, by field: they have to be signed before the submit."""
        given = {name: getattr(self, name) for name in self.inputs()}
        return {name: url for name, url in given.items() if url is not None and _STORE.match(url)}

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Validate the fields of a request.

        :param values: the fields by their names in snake_case, or the vendor's.
        :returns: the request.
        :raises InvalidRequest: naming each field and the rule that it breaks.
        """
        if not isinstance(values, Mapping):
            raise InvalidRequest(f"{cls.operation} request must be a mapping of its fields, not {as_given(values)}")
        try:
            return cls.model_validate(cls._unquoted(values))
        except ValidationError as invalid:
            # Without its cause: a traceback would show the values, and with them signed URLs.
            raise InvalidRequest(_said(cls, _problems(cls, invalid))) from None

    @classmethod
    def check_known(cls, values: Mapping[str, Any], unknown: Collection[str]) -> None:
        """Validate what is known of a request when a DAG file is parsed.

        :param values: the fields, as for :meth:`parse`.
        :param unknown: the fields whose values are templates or XComs, which are rendered later.
        :raises InvalidRequest: as :meth:`parse`.
        """
        problems: list[str] = []
        values = cls._unquoted(values)
        try:
            cls.model_validate(values, context=_FIELDS_ONLY)
        except ValidationError as invalid:
            problems = list(_problems(cls, invalid, unknown))
        if problems := problems or list(cls._broken_rules(values, unknown)):
            raise InvalidRequest(_said(cls, problems))

    @classmethod
    def _unquoted(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Undo what templates do to values: lists and objects become text, and what is absent an empty one."""
        # A field may be given by its alias as well, but not by both names: nobody can say which value was meant.
        names = {field.alias: name for name, field in cls.model_fields.items()}
        known: dict[str, Any] = {}
        for given, value in values.items():
            name = names.get(given, given)
            if name in known:
                raise InvalidRequest(f"{cls.operation} request is not valid: {name}: given twice, also as {given}")
            # An optional field that came empty is left out, so that its default applies; of a required one it is an
            # error, which the validator words.
            field = cls.model_fields.get(name)
            if field is None or not is_empty(value) or field.is_required():
                structured = field is not None and cls.shape(name).structured
                known[name] = unquoted(value) if structured and isinstance(value, str) else value
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
        """The job id that the user chose, if the vendor lets the caller choose it."""
        return None

    @property
    def polled_as(self) -> str:
        """The operation to poll the job by; some requests choose a variant of their operation."""
        return self.operation

    def to_vendor(self) -> dict[str, Any]:
        """Return the fields under the vendor's names, without those that were left out."""
        return self.model_dump(by_alias=True, exclude_none=True, mode="json")


def _is_fetched(field: FieldInfo) -> bool:
    # Of an optional field pydantic leaves the mark on the member of the union.
    members = [each for kind in get_args(field.annotation) for each in getattr(kind, "__metadata__", ())]
    return any(isinstance(each, _Fetched) for each in (*field.metadata, *members))


def _problems(request: type[JobRequest], invalid: ValidationError, unknown: Collection[str] = ()) -> Iterator[str]:
    """Yield each problem once, also if several members of a list have it."""
    seen: dict[tuple[str, str], str] = {}
    more: dict[tuple[str, str], int] = {}
    for error in invalid.errors(include_url=False, include_context=False):
        where, text = error["loc"], error["msg"].removeprefix("Value error, ")
        if where and where[0] in unknown:
            continue
        problem = (str(where[0]) if where else "", text)
        more[problem] = more.get(problem, -1) + 1
        seen.setdefault(problem, _problem(request, where, text, error))
    for problem, text in seen.items():
        yield f"{text}, and {more[problem]} more like it" if more[problem] else text


def _problem(request: type[JobRequest], where: tuple[int | str, ...], text: str, error: Mapping[str, Any]) -> str:
    if not where:
        return text
    path = f"{_path(where)}{'' if text.startswith('[') else ': '}{text}"
    match error["type"]:
        case "missing":
            return f"{path}: nothing was given, or a template or an XCom key gave None"
        case "extra_forbidden":
            return f"{path}: the fields are {', '.join(request.model_fields)}" if len(where) == 1 else path
        case _:
            return f"{path} (given: {as_given(error['input'])})"


def _path(where: tuple[int | str, ...]) -> str:
    return printable(str(where[0])[:_LONGEST_NAME]) + "".join(f"[{step}]" for step in where[1:])


def _said(request: type[JobRequest], problems: Collection[str] | Iterator[str]) -> str:
    return f"{request.operation} request is not valid: {'; '.join(problems)}"
