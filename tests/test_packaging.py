# SPDX-License-Identifier: Apache-2.0
"""What belongs to the project and not to the package: addresses, the registry's file, workflows, the release check."""

from __future__ import annotations

import re
import subprocess
import tomllib
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import release_check
import smoke_run
import yaml

from tests.test_public_surface import PUBLIC

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "airflow_provider_videoai"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
KINDS = {"decorators": "other", "files": "other", "links": "other", "policies": "other"}
"""Of a package in the registry's file, if not its own name."""


def listed() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / ".airflow-registry.yaml").read_text(encoding="utf-8"))
    return read


def test_the_registrys_file_has_each_public_class_with_the_first_line_of_its_docstring() -> None:
    expected: dict[str, dict[str, str]] = {}
    for module, names in PUBLIC.items():
        package = module.partition(".")[0]
        if package in ("jobs", "sandbox", "testing"):
            continue
        for name in names:
            path = f"{PACKAGE}.{module}"
            summary = (getattr(import_module(path), name).__doc__ or "").strip().splitlines()[0].replace("``", "`")
            expected.setdefault(KINDS.get(package, package), {})[f"{path}.{name}"] = summary
    found = {
        kind: {each["module"]: each["description"] for each in entries}
        for kind, entries in listed().items()
        if isinstance(entries, list)
    }
    assert found == expected


def test_the_registrys_file_names_the_distribution() -> None:
    assert listed()["package-name"] == PROJECT["project"]["name"]


@pytest.mark.parametrize("name", release_check.ADDRESSED)
def test_all_addresses_of_the_repository_are_the_same(name: str) -> None:
    base = PROJECT["project"]["urls"]["Repository"]
    host = base.rpartition("/")[0]
    addresses = re.findall(rf"{re.escape(host)}[^\s'\"<>)]*", (ROOT / name).read_text(encoding="utf-8"))
    assert addresses
    assert all(re.match(rf"{re.escape(base)}(/|$)", address) for address in addresses), addresses


def test_the_source_distribution_includes_only_what_there_is() -> None:
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert [name for name in included if not (ROOT / name.removeprefix("/")).exists()] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: str(path.name))
def test_a_workflow_runs_targets_that_a_person_can_run(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    targets = set(re.findall(r"run: make ([\w-]+)", text))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


def test_a_target_that_installs_quietly_says_what_and_for_how_long() -> None:
    rules = re.findall(r"^(\S+): .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    quiet = {target: recipe for target, recipe in rules if "pip install --quiet" in recipe}
    assert len(quiet) > 5
    said = re.compile(r"^\t@echo 'Installing .+ into \$\(\w+\).* minutes?\b.*, once'$", re.MULTILINE)
    assert [target for target, recipe in quiet.items() if not said.search(recipe)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: str(path.name))
def test_a_workflow_pins_its_actions_and_may_do_little(workflow: Path) -> None:
    read = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    assert read["permissions"] == {"contents": "read"}
    for job in read["jobs"].values():
        assert job["timeout-minutes"] > 0
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+(\.\d+)*", step["uses"])


@pytest.mark.parametrize(
    ("tag", "kind"), [("v1.0.0rc1", "--prerelease"), ("v1.1.0b2", "--prerelease"), ("v1.0.0", ""), ("v2.10.3", "")]
)
def test_a_release_candidate_is_announced_as_a_pre_release(tag: str, kind: str, tmp_path: Path) -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))["jobs"]
    step = jobs["announce"]["steps"][-1]
    (tmp_path / "gh").write_text('#!/bin/sh\nprintf "<%s>" "$@"\n')
    (tmp_path / "gh").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "REPOSITORY": "owner/name", "TAG": tag}
    shell = ["/bin/bash", "-e", "-c", step["run"]]
    done = subprocess.run(shell, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert set(step["env"]) == {"GH_TOKEN", "REPOSITORY", "TAG"}
    assert done.stdout.startswith(f"<release><create><{tag}>")
    assert done.stdout.endswith(f"<owner/name><{kind}>" if kind else "<owner/name>")


def test_the_matrix_of_a_workflow_has_cells_that_there_are() -> None:
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    cells = set(re.findall(r'^    "([\w.]+)": PYTHONS', noxfile, re.MULTILINE))
    matrix = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())["jobs"]["matrix"]["strategy"]["matrix"]
    assert {*matrix["airflow"], "newest"} <= cells


@pytest.mark.parametrize("stray", ["tests/test_a.py", f"{PACKAGE}/clip.mp4", f"{PACKAGE}/__pycache__/a.pyc"])
def test_a_wheel_with_a_stray_file_is_not_released(stray: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_check, "DIST", tmp_path)
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        wheel.writestr(stray, "")
    with pytest.raises(release_check.ReleaseError, match=f"the wheel holds {stray}"):
        release_check.contents(release_check.Options(publish=False, tag=None, work=tmp_path))


def test_a_wheel_without_its_licence_is_not_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_check, "DIST", tmp_path)
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        for needed in release_check.NEEDED[:2]:
            wheel.writestr(needed, "")
    with pytest.raises(release_check.ReleaseError, match="the wheel lacks licenses/LICENSE"):
        release_check.contents(release_check.Options(publish=False, tag=None, work=tmp_path))


def test_a_placeholder_and_an_unnamed_version_are_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_check, "ROOT", tmp_path)
    monkeypatch.setattr(release_check, "ADDRESSED", ("pyproject.toml",))
    (tmp_path / "pyproject.toml").write_text('Repository = "https://example.org/a"')
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n")
    with pytest.raises(release_check.ReleaseError, match=r"CHANGELOG\.md has no section '## 1\.0\.0 - "):
        release_check._check_published("1.0.0")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 1.0.0 - 2027-01-31\n")
    with pytest.raises(release_check.ReleaseError, match=r"pyproject\.toml: a placeholder"):
        release_check._check_published("1.0.0")
    (tmp_path / "pyproject.toml").write_text('Repository = "https://github.com/a/a"')
    release_check._check_published("1.0.0")


def test_nothing_is_released_whose_site_cannot_be_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Makefile").write_text("docs:\n\t@echo a dead link; exit 1\n")
    monkeypatch.setattr(release_check, "ROOT", tmp_path)
    with pytest.raises(release_check.ReleaseError, match=r"make --no-print-directory docs\na dead link"):
        release_check.docs(release_check.Options(publish=False, tag=None, work=tmp_path))
    assert release_check.docs in release_check.STEPS


def test_a_smoke_run_has_every_operator_and_transfer() -> None:
    dag = (ROOT / "scripts" / "smoke" / "every_operator.py").read_text(encoding="utf-8")
    modules = [module for module in PUBLIC if module.startswith(("operators.", "transfers."))]
    names = {name for module in modules for name in PUBLIC[module]} - {"VideoJobOperator"}  # the base of the others
    assert {"ViiTorTextRemovalOperator", "WordTimesToSubtitlesOperator"} < names
    assert [name for name in sorted(names) if f"{name}(" not in dag] == []


def test_a_smoke_run_fails_if_other_jobs_are_sold_than_its_dag_has(sandbox: Any) -> None:
    with pytest.raises(RuntimeError, match=r"every_operator buys .*'viitor': 5.* and the vendors sold"):
        smoke_run.bought(sandbox.url)
