# SPDX-License-Identifier: Apache-2.0
"""Distinguish a literal argument, which can be checked when the DAG is parsed, from one that is rendered later."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import PurePath
from typing import Any, cast

from airflow.sdk import BaseOperator, ObjectStoragePath
from airflow.sdk.definitions.xcom_arg import PlainXComArg
from typing_extensions import override

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.tasks.origins import EmptyOrigin, origin_of

__all__ = ["RendersText", "is_known", "is_rendered_later", "plain_source"]

_JINJA = ("{{", "{%", "{#")
_NO_LITERAL = "\0\n"
"""Python reads no text that begins with this as a literal. The line break is there for Jinja's ``lstrip_blocks``."""


def plain_source(value: Any) -> tuple[str, str] | None:
    """Return task id and key of a reference to one XCom of a task that is not mapped; ``None`` for anything else.

    :param value: an argument as the DAG file gave it.
    """
    operator, key = getattr(value, "operator", None), getattr(value, "key", None)
    if operator is None or key is None:
        return None
    # A mapped task pushes an XCom per map index, and the trigger reads only a single one.
    mapped = getattr(operator, "is_mapped", False) or operator.get_closest_mapped_task_group() is not None
    return None if mapped else (str(operator.task_id), str(key))


def is_rendered_later(value: Any) -> bool:
    """Return whether a value, or anything inside it, is a template or a reference to another task's result.

    Raise :class:`InvalidRequest` for a value that holds itself, or is nested as deep as no request is.
    """
    try:
        return _rendered_later(value)
    except RecursionError:
        raise InvalidRequest(
            f"a {type(value).__name__} that was given holds itself, or is nested too deep: give plain lists and dicts"
        ) from None


def is_known(source: object) -> bool:
    """Return whether a file is named by now, and not by what is rendered later.

    :param source: the argument as the DAG file gave it.
    """
    # A path can be distinguished from a reference to another task's result by its type only: both have a `resolve`.
    return isinstance(source, PurePath | ObjectStoragePath) or not is_rendered_later(source)


def _rendered_later(value: Any) -> bool:
    if isinstance(value, str):
        return any(mark in value for mark in _JINJA)
    if isinstance(value, Mapping):
        return any(map(_rendered_later, value.values()))
    if isinstance(value, list | tuple | set):
        return any(map(_rendered_later, value))
    # XComArg, DagParam and their kin resolve themselves; Airflow's marker for "not set yet" is a type of its own.
    return _resolves(value) or type(value).__name__ in ("ArgNotSet", "SetDuringExecution")


def _resolves(value: Any) -> bool:
    # So does a path, which is meant by its `resolve` in another way.
    return hasattr(value, "resolve") and not isinstance(value, os.PathLike)


class RendersText(BaseOperator):
    """Renders fields that hold text to text, also where a DAG has ``render_template_as_native_obj``.

    Airflow would read the rendered text as a Python literal: a title ``20260511`` would become a number, a script
    ``3, 2, 1`` a tuple, ``1e5`` a float whose text is lost, and ``'Hello'`` would lose its quotes.
    """

    empty_origins: tuple[EmptyOrigin, ...] = ()
    """Where this attempt's values came from that were rendered to nothing."""

    @property
    @override
    def output(self) -> PlainXComArg:
        """Reference to the task's result; ``output["media_url"]`` is one to a part of it.

        That is what Airflow's own ``output`` returns; its annotation names the base class, which cannot be indexed.
        """
        return cast(PlainXComArg, super().output)

    def text_fields(self) -> Collection[str]:
        """Return the names of the template fields that hold text."""
        return self.template_fields

    @override
    def render_template(self, content: Any, context: Any, jinja_env: Any = None, seen_oids: Any = None) -> Any:
        # Airflow names the value that it renders, not the field; values of a mapped task are rendered already.
        known = seen_oids is not None and id(content) in seen_oids
        if known or not isinstance(content, str) or not self._is_text_field(content):
            return self.noted(content, super().render_template(content, context, jinja_env, seen_oids))
        return self.noted(content, self.render_text(content, context, jinja_env))

    def noted(self, content: Any, value: Any) -> Any:
        """Return a rendered value; if it is empty, its origin is kept in :attr:`empty_origins`.

        :param content: what the DAG file gave.
        :param value: what it was rendered to.
        """
        if (origin := origin_of(content, value)) is not None:
            field = next((name for name in self.template_fields if content is getattr(self, name, None)), None)
            self.empty_origins = (*self.empty_origins, EmptyOrigin(field, origin))
        return value

    def render_text(self, content: str, context: Any, jinja_env: Any) -> str:
        """Render a template to the text that it makes, whatever literal of Python's that may look like.

        :param content: the template.
        :param context: Airflow's, of the running task.
        :param jinja_env: Airflow's environment of templates, native or not.
        """
        rendered: str = super().render_template(_NO_LITERAL + content, context, jinja_env)
        return rendered.partition("\n")[2]

    def _is_text_field(self, content: str) -> bool:
        return any(content is getattr(self, name, None) for name in self.text_fields())
