# SPDX-License-Identifier: Apache-2.0
"""References of docstrings and types to what has no page: checked, and shown as plain code.

What exists but is internal, Airflow's or Python's is no mistake; what cannot be imported is, and stays a warning.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

TEMPLATED = "airflow_provider_videoai.tasks.templated"
"""The types of templated arguments; what they take is described on a page, and not by their names."""
_PAGE, _ANCHOR = "reference/operators", "templates-and-validation"


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("missing-reference", _missing)
    return {"parallel_read_safe": True}


def _missing(app: Any, _: Any, node: Any, content: Any) -> Any:
    if node["refdomain"] != "py":
        return None
    name, module = node["reftarget"], node.get("py:module") or ""
    if is_templated(name, module):
        from docutils.nodes import reference  # noqa: PLC0415 - the tests of this file have no Sphinx

        address = app.builder.get_relative_uri(node["refdoc"], _PAGE)
        return reference("", "", content, internal=True, refuri=f"{address}#{_ANCHOR}", reftitle="what a field takes")
    return content if exists(name, module, node.get("py:class") or "") else None


def is_templated(name: str, module: str) -> bool:
    """Return whether a name is the type of a templated argument.

    :param name: as the docstring or the signature has it.
    :param module: the module that uses it.
    """
    types, used = resolve_name(TEMPLATED), getattr(import_module(module), name, None) if module else None
    return name in types.__all__ and used is getattr(types, name)


def exists(name: str, module: str, inside: str = "") -> bool:
    """Return whether a name means something where it is used.

    :param name: with its module, or as ``module`` knows it.
    :param module: the module that uses it.
    :param inside: the class that uses it.
    """
    places = [module, f"{module}:{inside}" if inside else ""]
    if inside and (found := _resolved(places[1])):
        places.append(found.__module__)  # of a class that is public elsewhere than where it is written
    if any(_resolved(f"{place}{'.' if ':' in place else ':'}{name}") for place in places if place):
        return True
    return bool(_resolved(name)) or any(_resolved(whole) for whole in _imported_for_types(name, module))


def _imported_for_types(name: str, module: str) -> Iterator[str]:
    """Yield what a name stands for in a module, or in those that its public names come from, to a type checker."""
    for each in [each for each in sys.modules if module and f"{each}.".startswith(f"{module}.")]:
        file = getattr(sys.modules[each], "__file__", None)
        for node in ast.walk(ast.parse(Path(file).read_text(encoding="utf-8"))) if file else ():
            if isinstance(node, ast.ImportFrom):
                yield from (f"{node.module}:{one.name}" for one in node.names if (one.asname or one.name) == name)


def _resolved(name: str) -> Any:
    try:
        return resolve_name(name)
    except (ImportError, AttributeError, ValueError):
        return None
