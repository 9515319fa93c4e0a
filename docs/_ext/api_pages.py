# SPDX-License-Identifier: Apache-2.0
"""Make the API's pages: one for each module of the page "Public API", with the docstrings of its names."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Collection
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

PACKAGE = "airflow_provider_videoai"
_LIST = "reference/public-api.md"
_INDEX = "reference/api"
_ROW = re.compile(r"^\| `([\w.]+)` \| ((?:`\w+`(?:, )?)+) \|$", re.MULTILINE)


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", _write)
    app.connect("source-read", _read, priority=600)
    app.connect("autodoc-skip-member", _skip)
    app.connect("autodoc-process-bases", _show_public_bases)
    return {"parallel_read_safe": True}


def _write(app: Any) -> None:
    folder = Path(app.srcdir) / _INDEX
    folder.mkdir(exist_ok=True)
    modules = public(Path(app.srcdir))
    known = {name for names in modules.values() for name in names}
    made = {f"{module}.rst": page(module, names, known) for module, names in modules.items()}
    for name, text in made.items():
        file = folder / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
    for gone in {file.name for file in folder.iterdir()} - set(made):
        (folder / gone).unlink()


def _read(app: Any, docname: str, source: list[str]) -> None:
    if docname == _INDEX:
        source[0] += listing(public(Path(app.srcdir)))


def _skip(_: Any, what: str, __: str, value: object, ___: bool, ____: Any) -> bool | None:
    # An attribute that holds a class, hook_class say, is how classes find each other, and no user's concern.
    return True if what == "class" and isinstance(value, type) else None


def _show_public_bases(app: Any, _: str, value: type, ___: Any, bases: list[type]) -> None:
    known = {name for names in public(Path(app.srcdir)).values() for name in names}
    bases[:] = public_bases(value, known)


def public_bases(value: type, known: Collection[str]) -> list[type]:
    """Return the bases that a reader can look up: public classes of this package, and those of others.

    In place of an internal base stands the first of its own bases that can be looked up, unless another base shown
    derives from that.

    :param value: the class.
    :param known: the public names.
    """
    found = [
        next((each for each in base.__mro__ if _can_be_looked_up(each, known)), object) for base in value.__bases__
    ]
    bases = [base for base in dict.fromkeys(found) if base is not object]
    return [base for base in bases if not any(issubclass(other, base) for other in bases if other is not base)]


def _can_be_looked_up(base: type, known: Collection[str]) -> bool:
    return base is not object and (base.__name__ in known or not base.__module__.startswith(PACKAGE))


def public(docs: Path) -> dict[str, list[str]]:
    """Return the public names by their module, as the page "Public API" lists them.

    :param docs: the documentation's folder.
    """
    text = (docs / _LIST).read_text(encoding="utf-8")
    return {module: re.findall(r"\w+", names) for module, names in _ROW.findall(text)}


def page(module: str, names: list[str], known: Collection[str] = ()) -> str:
    """Return a module's page, in reStructuredText.

    :param module: its name, below the package.
    :param names: its public names.
    :param known: the public names of all modules.
    """
    found = import_module(f"{PACKAGE}.{module}")
    # Errors last, but their root first of them.
    ordered = sorted(names, key=lambda name: (_is_error(getattr(found, name)), name != "VideoAIError"))
    parts = (_described(found, name, getattr(found, name), known) for name in ordered)
    return "\n".join((module, "=" * len(module), "", f".. py:module:: {PACKAGE}.{module}", "", *parts))


def listing(modules: dict[str, list[str]]) -> str:
    """Return the list of all pages, in Markdown.

    :param modules: the public names by their module.
    """
    rows = (f"| [{module}](api/{module}.rst) | {_linked(module, names)} |" for module, names in modules.items())
    table = "\n".join(("| module | names |", "|---|---|", *rows))
    pages = "\n".join(f"/{_INDEX}/{module}" for module in modules)
    return f"\n{table}\n\n```{{toctree}}\n:hidden:\n\n{pages}\n```\n"


def _linked(module: str, names: list[str]) -> str:
    return ", ".join(f"{{py:obj}}`~{PACKAGE}.{module}.{name}`" for name in names)


def _is_error(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)


def _described(module: Any, name: str, value: Any, known: Collection[str]) -> str:
    whole = f"{module.__name__}.{name}"
    # pytest's fixtures are used by their names, and never called.
    if not inspect.isfunction(value) and inspect.isfunction(fixture := inspect.unwrap(value)):
        return f".. py:data:: {name}\n\n   {inspect.getdoc(fixture)}\n"
    if inspect.isroutine(value):
        return f".. autofunction:: {whole}\n"
    if not isinstance(value, type):
        return _described_data(module.__name__, name, value)
    kind = "exception" if _is_error(value) else "class"
    options = ["members", *(["show-inheritance"] if public_bases(value, known) else [])]
    options += ["undoc-members"] if issubclass(value, Enum) else []
    options += ["special-members: __call__"] if "__call__" in vars(value) else []
    lines = (
        f".. auto{kind}:: {whole}",
        *(f"   :{option}" if ":" in option else f"   :{option}:" for option in options),
    )
    return "\n".join((*lines, "", *_inherited(value)))


def _described_data(module: str, name: str, value: Any) -> str:
    from sphinx.pycode import ModuleAnalyzer  # noqa: PLC0415 - the tests of this file have no Sphinx

    # A value does not say where it was made, and its description stands there.
    below = (each for each in sys.modules if each.startswith(f"{module}."))
    homes = (each for each in below if vars(sys.modules[each]).get(name) is value)
    for home in homes:
        said = ModuleAnalyzer.for_module(home).find_attr_docs().get(("", name))
        if said:
            lines = (f".. py:data:: {name}", f"   :canonical: {home}.{name}", "", *(f"   {line}" for line in said))
            return "\n".join((*lines, ""))
    return f".. autodata:: {module}.{name}\n   :no-value:\n"


def _inherited(value: type) -> list[str]:
    """Name what a class has of a public base: the methods of each vendor's hook are those of one class."""
    base = value.__mro__[1]
    if not base.__module__.startswith(f"{PACKAGE}.hooks."):
        return []
    methods = [
        each for each, found in vars(base).items() if inspect.isroutine(found) and found.__doc__ and each[0] != "_"
    ]
    links = ", ".join(f":py:meth:`~{base.__module__}.{base.__name__}.{each}`" for each in methods)
    return [f"   Methods of all hooks: {links}.", ""]
