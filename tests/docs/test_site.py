# SPDX-License-Identifier: Apache-2.0
"""The pages as a whole: links lead somewhere on a code host and on the site, and the site's own code does its part."""

from __future__ import annotations

import re
from collections import OrderedDict
from importlib import import_module
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import cast
from urllib.parse import urlsplit

import api_pages
import navigation
import offline
import pytest
import references
import repository_files
from repository_files import linked, outside, page_of, shown

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
OTHERS = [*sorted(ROOT.glob("*.md")), ROOT / "benchmarks/README.md"]
PAGES = {str(path.relative_to(ROOT)): path for path in [*repository_files.pages(DOCS), *OTHERS]}
ENTRY = re.compile(r"^\S.*/.*$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")


def slugs(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as code hosts and the site make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    page = PAGES[name]
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), target
        assert not anchor or anchor in slugs(file), f"{target}#{anchor}"


# -- navigation ---------------------------------------------------------------------------------------------------


def test_an_index_leads_to_the_pages_that_it_links_in_its_order_and_then_to_the_others() -> None:
    text = "[B](b.md), [A](a.md#part), [A](a.md), [elsewhere](../reference/x.md), [changes](../repository/CHANGELOG.md)"
    made = navigation.toctrees(
        PurePosixPath("how-to/index"), text, ["how-to/a", "how-to/b", "how-to/index", "how-to/z", "x"]
    )
    hidden, rest = made.split("## More")
    assert ENTRY.findall(hidden) == ["/how-to/b", "/how-to/a", "changes </repository/CHANGELOG>"]
    assert ENTRY.findall(rest) == ["/how-to/z"]
    assert ":hidden:" in hidden
    assert ":hidden:" not in rest


def test_the_first_page_leads_to_the_indexes_and_to_no_page_twice() -> None:
    text = "[H](how-to/index.md) [R](reference/index.md) [page](reference/x.md)"
    pages = ["how-to/index", "index", "reference/index", "reference/x"]
    made = navigation.toctrees(PurePosixPath("index"), text, pages)
    assert ENTRY.findall(made) == ["/how-to/index", "/reference/index"]
    assert "More" not in made


# -- files of the repository ----------------------------------------------------------------------------------------


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    files = {
        "docs/how-to/page.md": "[d](../../dags/a.py#x) [f](../../dags/) [p](other.md) [w](http://a/) [n](no.md)",
        "docs/how-to/other.md": "",
        "dags/a.py": '"""Does a thing.\n\nMore.\n"""\n',
        "dags/b.png": "",
        "dags/.hidden": "",
        "CHANGES.md": "[p](docs/how-to/page.md#x), [d](dags/a.py)",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / "docs"


def test_a_link_into_the_repository_leads_to_the_page_of_the_file(docs: Path) -> None:
    page = docs / "how-to/page.md"
    text = page.read_text(encoding="utf-8")
    assert outside(text, page, docs) == [docs.parent / "dags/a.py", docs.parent / "dags"]
    assert linked(text, page, page, docs) == (
        "[d](../repository/dags/a.py.md#x) [f](../repository/dags.md) [p](other.md) [w](http://a/) [n](no.md)"
    )


def test_a_picture_of_the_repository_is_left_to_sphinx(docs: Path) -> None:
    page, text = docs / "how-to/page.md", "![b](../../dags/b.png)"
    assert outside(text, page, docs) == []
    assert linked(text, page, page, docs) == text


def test_a_link_within_a_block_of_code_stays_as_it_is(docs: Path) -> None:
    block = "````markdown\n```python\n# [d](../../dags/a.py)\n```\n[d](../../dags/a.py)\n````\n"
    page = docs / "how-to/page.md"
    assert linked(f"{block}[d](../../dags/a.py)", page, page, docs) == f"{block}[d](../repository/dags/a.py.md)"
    assert outside(block, page, docs) == []


def test_a_file_is_shown_with_links_that_lead_from_there(docs: Path) -> None:
    changes = docs.parent / "CHANGES.md"
    assert page_of(changes, docs) == docs / "repository/CHANGES.md"
    assert shown(changes, docs).endswith("[p](../how-to/page.md#x), [d](dags/a.py.md)")
    assert '# dags/a.py\n\n````python\n"""Does a thing.\n' in shown(docs.parent / "dags/a.py", docs)
    assert shown(docs.parent / "dags", docs).endswith("# dags/\n\n* [a.py](dags/a.py.md): Does a thing.\n")


# -- API ------------------------------------------------------------------------------------------------------------


def test_every_public_name_is_described_and_linked() -> None:
    modules = api_pages.public(DOCS)
    assert {"operators.viitor", "jobs", "sandbox", "hooks.job"} <= modules.keys()
    listed = api_pages.listing(modules)
    for module, names in modules.items():
        assert f"\n/reference/api/{module}\n" in listed
        assert [name for name in names if f".{module}.{name}`" not in listed] == []


@pytest.mark.parametrize(
    ("module", "name", "directive"),
    [
        ("jobs", "JobFailed", "autoexception"),
        ("operators.viitor", "ViiTorTextRemovalOperator", "autoclass"),
        ("files.presigned", "presigned", "autofunction"),
    ],
)
def test_a_name_is_described_as_what_it_is(module: str, name: str, directive: str) -> None:
    assert f".. {directive}:: airflow_provider_videoai.{module}.{name}\n" in api_pages.page(module, [name])


def test_a_vendors_hook_names_the_methods_of_all_hooks() -> None:
    made = api_pages.page("hooks.viitor", ["ViiTorHook"])
    assert all(f"VideoJobHook.{method}`" in made for method in ("submit", "astatuses", "result", "test_connection"))
    assert "_checked_id" not in made


class _Internal(dict[str, int]):
    pass


_Internal.__module__ = f"{api_pages.PACKAGE}.somewhere"


class _Root:
    pass


_Root.__module__ = _Internal.__module__


@pytest.mark.parametrize(
    ("bases", "shown"),
    [
        ((_Internal,), [dict]),
        ((_Root,), []),
        ((), []),
        ((_Root, _Internal, type), [dict, type]),
        ((_Internal, OrderedDict), [OrderedDict]),
    ],
    ids=["another's", "none", "of nothing", "in their order", "none that another derives from"],
)
def test_in_place_of_an_internal_base_stands_one_that_can_be_looked_up(
    bases: tuple[type, ...], shown: list[type]
) -> None:
    found = SimpleNamespace(__bases__=bases or (object,))
    assert api_pages.public_bases(cast(type, found), {"Public"}) == shown


def test_no_class_of_the_site_is_said_to_be_an_object() -> None:
    modules = api_pages.public(DOCS)
    known = {name for names in modules.values() for name in names}
    batch = import_module(f"{api_pages.PACKAGE}.operators.batch").VideoBatchOperator
    assert [base.__name__ for base in api_pages.public_bases(batch, known)] == ["BaseOperator"]
    usage = api_pages.page("jobs", ["Usage"], known)
    assert ":members:" in usage
    assert ":show-inheritance:" not in usage
    assert ":show-inheritance:" in api_pages.page("operators.batch", ["VideoBatchOperator"], known)


@pytest.mark.parametrize(
    ("name", "module", "inside", "known"),
    [
        ("timedelta", "operators.job", "", True),
        ("collections.abc.Mapping", "operators.job", "", True),
        ("airflow_provider_videoai.triggers.stored_arguments.TriggerArguments", "triggers.job", "", True),
        ("InputUrl", "jobs", "JobRequest", True),
        ("submit", "hooks.job", "VideoJobHook", True),
        ("DAG", "testing.plugin", "RunDag", True),
        ("Sandbox", "testing", "", True),
        ("submitt", "hooks.job", "VideoJobHook", False),
        ("airflow_provider_videoai.jobs.NoSuchError", "jobs", "", False),
        ("no_such_module.Thing", "jobs", "", False),
    ],
)
def test_what_a_docstring_refers_to_exists(name: str, module: str, inside: str, known: bool) -> None:
    assert references.exists(name, f"airflow_provider_videoai.{module}", inside) is known


def test_only_the_types_of_templated_arguments_lead_to_what_a_field_takes() -> None:
    assert references.is_templated("Text", "airflow_provider_videoai.operators.viitor")
    assert not references.is_templated("Text", "airflow_provider_videoai.jobs.errors")
    assert not references.is_templated("timedelta", "airflow_provider_videoai.operators.job")


# -- offline --------------------------------------------------------------------------------------------------------


def test_what_a_page_loads_from_elsewhere_is_found_and_what_it_links_is_not() -> None:
    html = """<link rel="canonical" href="https://a.example/"><a href="https://b.example/">b</a><img src="../c.png">
    <link href="//d.example/x.css" rel="stylesheet"><link rel="stylesheet" href="https://e.example/x.css">
    <script async src="https://f.example/x.js"></script><img alt="" src="//g.example/x.png">"""
    assert [urlsplit(each).netloc[0] for each in offline.loaded(html)] == ["d", "e", "f", "g"]
