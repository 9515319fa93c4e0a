# SPDX-License-Identifier: Apache-2.0
"""A vendor of the registry has all its files, and nobody has files who is not in the registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_videoai.registry import VENDORS, connection_type, hook_path, module_of
from airflow_provider_videoai.sandbox import CREDENTIALS
from tests.support.cases import CASES

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "airflow_provider_videoai"

FILES = (
    f"{PACKAGE}/connections/{{vendor}}.py",
    f"{PACKAGE}/vendors/{{vendor}}.py",
    f"{PACKAGE}/hooks/{{vendor}}.py",
    f"{PACKAGE}/operators/{{vendor}}.py",
    f"{PACKAGE}/sensors/{{vendor}}.py",
    f"{PACKAGE}/sandbox/{{vendor}}.py",
    f"{PACKAGE}/sandbox/vendors/{{vendor}}.py",
    "tests/vendors/test_{vendor}.py",
    "tests/sandbox/test_{vendor}.py",
    "tests/support/vendor_cases/{vendor}.py",
)
"""What each vendor has; a package of the same name is as good as a file."""
NO_VENDORS = {
    "__init__",
    "form",
    "account",
    "connection_lookup",
    "hook_class",
    "job",
    "job_task",
    "ledger",
    "ledger_url",
    "lookup",
    "batch",
    "batch_task",
    "capacity",
}
"""Modules of the vendors' folders that are no vendor's own."""


def missing_files(vendor: str) -> list[str]:
    files = (ROOT / file.format(vendor=vendor) for file in FILES)
    return [str(file.relative_to(ROOT)) for file in files if not (file.exists() or file.with_suffix("").is_dir())]


def missing_in_docs(vendor: str, title: str) -> list[str]:
    marks = {
        "docs/reference/connections.md": f"| `{vendor}` | `{vendor}_default` |",
        "docs/reference/errors.md": f"\n### {title}\n",
        "docs/reference/operators.md": f"{PACKAGE}.operators.{vendor}",
        "docs/reference/results.md": f'"vendor": "{vendor}"',
        "docs/reference/sandbox.md": f"\n### {title}\n",
        "README.md": f"`operators.{vendor}.",
    }
    return [page for page, mark in marks.items() if mark not in (ROOT / page).read_text(encoding="utf-8")]


@pytest.mark.parametrize("vendor", VENDORS)
def test_no_file_of_a_vendor_is_missing(vendor: str) -> None:
    assert missing_files(vendor) == []


def test_the_files_that_a_new_vendor_lacks_are_named() -> None:
    assert missing_files("unheard_of") == [file.format(vendor="unheard_of") for file in FILES]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendor_is_on_every_page_that_has_all(vendor: str) -> None:
    from airflow_provider_videoai.hooks.lookup import hook_for  # noqa: PLC0415 - only here

    assert missing_in_docs(vendor, hook_for(vendor).vendor_class.title) == []


@pytest.mark.parametrize("layer", ["connections", "vendors", "hooks", "operators", "sensors", "sandbox/vendors"])
def test_no_vendor_has_a_module_without_being_registered(layer: str) -> None:
    found = {path.stem for path in (ROOT / PACKAGE / layer).iterdir() if path.suffix == ".py" or path.is_dir()}
    assert found - NO_VENDORS - {"__pycache__"} == set(VENDORS)


def test_the_sandbox_has_the_registrys_vendors() -> None:
    assert set(CREDENTIALS) == set(VENDORS)


def test_each_vendor_has_a_case() -> None:
    assert {case.vendor for case in CASES.values()} == set(VENDORS)


def test_a_vendor_that_is_not_here_is_refused_by_its_key() -> None:
    assert module_of("hooks", "viitor") == f"{PACKAGE}.hooks.viitor"
    for lookup in (hook_path, connection_type):
        with pytest.raises(KeyError, match="unheard_of"):
            lookup("unheard_of")
