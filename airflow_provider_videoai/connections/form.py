# SPDX-License-Identifier: Apache-2.0
"""A vendor's connection type, and the form that Airflow makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic.fields import FieldInfo

from airflow_provider_videoai.jobs.protocol.options import ConnectionOptions, OptionKind

__all__ = ["ConnectionType"]


class ConnectionType(NamedTuple):
    """What a user sees of a vendor's connections.

    :param title: the vendor's name for people.
    :param website: the vendor's site.
    :param default_host: the base URL that an empty host stands for.
    :param login: what the vendor calls the login; ``None`` if it has none, and the form then shows no field for it.
    :param password: what the vendor calls the password.
    :param options: the model of the extra.
    :param placeholders: examples that the form shows in empty fields, by the field's name.
    """

    title: str
    website: str
    default_host: str
    login: str | None
    password: str
    options: type[ConnectionOptions] = ConnectionOptions
    placeholders: Mapping[str, str] = MappingProxyType({})

    def ui_field_behaviour(self) -> dict[str, Any]:
        """Return how Airflow's form shows its own fields (``ui-field-behaviour`` of the provider info)."""
        labels = {
            "host": "Host (empty: the default)",
            "port": "Port (the Test button needs one: 443)",
            "login": self.login,
            "password": self.password,
        }
        return {
            # Every option has a field of its own. The port may stand in the host as well, but the Test button of
            # Airflow 3.3 answers "Bad Request" for a stored connection without one.
            "hidden-fields": ["schema", "extra", *(name for name, label in labels.items() if label is None)],
            "relabeling": {name: label for name, label in labels.items() if label is not None},
            "placeholders": {"host": self.default_host, "port": "443", **self.placeholders},
        }

    def conn_fields(self) -> dict[str, Any]:
        """Return the form's fields of the options, the vendor's own first (``conn-fields`` of the provider info)."""
        fields = self.options.model_fields
        # The vendor's first: pydantic lists inherited fields before those of the subclass.
        own = [name for name in fields if name not in ConnectionOptions.model_fields]
        return {name: _conn_field(fields[name]) for name in (*own, *ConnectionOptions.model_fields)}


_JSON_TYPES = {float: "number", int: "integer", bool: "boolean", str: "string"}


def _conn_field(option: FieldInfo) -> dict[str, Any]:
    kind = OptionKind.of(option)
    name = _JSON_TYPES[kind.type]
    schema: dict[str, Any] = {
        # Airflow's form saves null for a field that was emptied; a switch is never empty.
        "type": name if kind.type is bool else [name, "null"],
        "enum": list(kind.choices) or None,
        "minimum": kind.least,
        "maximum": kind.most,
        "maxLength": kind.longest,
        "default": option.default,
    }
    # A copy: Airflow changes the provider info that it is given.
    more = {name: deepcopy(value) for name, value in kind.more.items() if name != "unit"}
    if "enum" in more:
        # A list to choose from is narrower than what is read, and the form offers one of the two.
        del schema["minimum"], schema["maximum"]
    return {
        "label": option.title,
        "description": option.description,
        "schema": {name: value for name, value in schema.items() if value is not None} | more,
    }
