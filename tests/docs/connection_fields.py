# SPDX-License-Identifier: Apache-2.0
"""The fields of each vendor's connections, as tables of the page "Connections".

`python -m tests.docs.connection_fields` prints them: put them into the page after a change of ``connections/``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic.fields import FieldInfo

from airflow_provider_videoai.connections.form import ConnectionType
from airflow_provider_videoai.jobs.protocol.options import ConnectionOptions, OptionKind
from airflow_provider_videoai.registry import VENDORS, connection_type

_HEAD = "| field | value | default | meaning |\n|---|---|---|---|\n"


def sections() -> dict[str, str]:
    """Return a section for the fields of all vendors, and one for those of each vendor, by their headings."""
    common = ConnectionOptions.model_fields
    connections = [connection_type(vendor) for vendor in VENDORS]
    return {"All vendors": _table(_options(common))} | {each.title: _table(_own(each)) for each in connections}


def _table(rows: Iterator[tuple[str, ...]]) -> str:
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _own(connection: ConnectionType) -> Iterator[tuple[str, ...]]:
    for name, label in (("login", connection.login), ("password", connection.password)):
        if label is not None:
            hint = connection.placeholders.get(name)
            yield f"`{name}`", "text", "required", f"{label}; {hint}" if hint else label
    own = connection.options.model_fields
    yield from _options({name: field for name, field in own.items() if name not in ConnectionOptions.model_fields})


def _options(fields: dict[str, FieldInfo]) -> Iterator[tuple[str, ...]]:
    for name, field in fields.items():
        kind = OptionKind.of(field)
        yield f"`{name}`", _value(kind), _default(field.default), _meaning(field, kind)


def _value(kind: OptionKind) -> str:
    if kind.choices:
        return " or ".join(f"`{choice}`" for choice in kind.choices)
    if kind.type is bool:
        return "`true` or `false`"
    if kind.type is str:
        return f"1 to {kind.longest} printable ASCII characters"
    unit = f" of {kind.more['unit']}" if "unit" in kind.more else ""
    number = "a whole number" if kind.type is int else "a number"
    return f"{number}{unit} from {kind.least:,.15g} to {kind.most:,.15g}"


def _default(value: Any) -> str:
    return "none" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _meaning(field: FieldInfo, kind: OptionKind) -> str:
    shown = kind.more.get("values_display", {})
    return " ".join([field.description or "", *([f"{'; '.join(shown.values())}."] if shown else [])])


if __name__ == "__main__":
    print("\n".join(f"### {title}\n\n{table}" for title, table in sections().items()))  # noqa: T201 - this is the output
