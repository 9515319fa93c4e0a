# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.airflow_compat import AirflowSensorTimeout
from airflow_provider_videoai.jobs import errors
from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from airflow_provider_videoai.jobs.submission.retry_advice import advise
from airflow_provider_videoai.sensors.job import SensorTimedOut
from airflow_provider_videoai.tasks.airflow_failures import for_airflow
from airflow_provider_videoai.vendors import tencent_ivh
from airflow_provider_videoai.vendors.aidge import Aidge
from airflow_provider_videoai.vendors.cdnetworks import CDNetworks
from airflow_provider_videoai.vendors.tencent_ivh import TencentIVH
from airflow_provider_videoai.vendors.topview import Topview
from airflow_provider_videoai.vendors.viitor import ViiTor
from tests.docs.conftest import Page
from tests.support.which_airflow import AirflowFailException

VENDORS: list[type[Vendor]] = [ViiTor, Aidge, CDNetworks, Topview, TencentIVH]


def family(kind: type[VideoAIError]) -> Iterator[type[VideoAIError]]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from family(child)


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: str(vendor.key))
def test_every_code_of_a_vendor_stands_in_its_section_with_its_class(
    page: Callable[[str], Any], cells: Callable[[str], list[list[str]]], vendor: type[Vendor]
) -> None:
    rows = cells(page("reference/errors.md").section(f"### {vendor.title}"))
    assert [row[:2] for row in rows] == [[code, verdict.error.__name__] for code, verdict in vendor.errors.items()]


def test_every_fail_code_of_tencent_stands_in_the_page(
    page: Callable[[str], Any], cells: Callable[[str], list[list[str]]]
) -> None:
    section = page("reference/errors.md").section("### Tencent IVH").split("`FailCode` of a failed job", 1)[1]
    assert [row[0] for row in cells(section)] == list(tencent_ivh.FAILURES)


def test_the_tree_is_that_of_the_code(page: Callable[[str], Any]) -> None:
    (tree,) = (block for block in page("reference/errors.md").blocks("") if block.startswith("VideoAIError"))
    drawn = {line.lstrip("│├└─ ").split()[0]: line.index(line.lstrip("│├└─ ")) // 4 for line in tree.splitlines()}
    depth = {kind.__name__: len(kind.__mro__) - len(VideoAIError.__mro__) for kind in family(VideoAIError)}
    for name in ("InvalidRequest", "StorageFailed"):  # they are a ValueError and an OSError as well
        depth[name] -= 1
    assert drawn == {"VideoAIError": 0, **depth}


def test_every_class_that_a_log_can_name_stands_in_the_page(page: Callable[[str], Any]) -> None:
    bases = {
        node.name: {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        for path in Path(errors.__file__).parents[1].rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and path.name != "airflow_failures.py"
    }
    kinds = {"VideoAIError"}
    while more := {name for name, of in bases.items() if of & kinds} - kinds:
        kinds |= more
    assert {kind.__name__ for kind in family(VideoAIError)} < kinds
    # NotMedia becomes an error that says whose file it is, where it is found.
    assert [name for name in sorted(kinds - {"NotMedia"}) if name not in page("reference/errors.md").text] == []


Retries = list[tuple[VideoAIError, list[str]]]


@pytest.fixture
def retries(page: Callable[[str], Any], cells: Callable[[str], list[list[str]]]) -> Retries:
    """Return each error of the table of retries with what its row says; a row with a condition is the other kind."""
    described: Retries = []
    for named, *said in cells(page("reference/errors.md").section("## Retries")):
        for name in re.findall(r"\b[A-Z]\w+", named.split(", a")[0]):
            if (kind := getattr(errors, name, None)) is not None:
                described.append((kind("what happened", **_condition(named)), said))
    return described


def _condition(named: str) -> dict[str, Any]:
    if "transient" in named:
        return {"temporary": True}
    if "in the same way" in named:
        return {"retry_helps": False}
    return {"retry_helps": True} if ", at" in named else {}


def test_every_error_stands_in_the_table_of_retries(retries: Retries) -> None:
    assert {type(error) for error, _ in retries} == set(family(VideoAIError))


def test_what_is_said_of_retries_without_the_policy_is_so(retries: Retries) -> None:
    for error, (without, _) in retries:
        fails = isinstance(for_airflow(error), AirflowFailException)
        assert without.split(",")[0] == ("fails" if fails else "retried"), error


def test_what_is_said_of_retries_with_the_policy_is_so(retries: Retries) -> None:
    for error, (_, text) in retries:
        first, last = (advise(error, try_number=1, bought=bought, paid_retries=3) for bought in (1, 4))
        assert first is not None
        assert last is not None
        assert text.startswith("retried" if first.again else "fails"), error
        assert text.endswith(", then fails") is (first.again and not last.again), error


@pytest.fixture
def described(page: Callable[[str], Any]) -> Any:
    """What stands under the heading of an error, by what is said."""
    section = Page(page("reference/errors.md").section("## Each error"))

    def read(name: str) -> dict[str, str]:
        return dict(re.findall(r"^\* \*\*(.+?):\*\* (.*)", section.section(f"### {name}"), re.MULTILINE))

    return read


@pytest.mark.parametrize("kind", [VideoAIError, *family(VideoAIError), SensorTimedOut])
def test_each_error_is_described_with_what_airflow_does(described: Any, kind: type[VideoAIError]) -> None:
    said = described(kind.__name__)
    assert list(said) == ["When", "The job and the money", "Airflow retries it", "What to do"]
    fails = isinstance(for_airflow(kind("what happened")), AirflowFailException | AirflowSensorTimeout)
    assert re.split(r"\W", said["Airflow retries it"])[0] == ("no" if fails else "yes")
