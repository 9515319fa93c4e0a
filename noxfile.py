# SPDX-License-Identifier: Apache-2.0
"""The matrix: every supported Airflow on every Python that it supports. `make matrix`, or `nox --list`.

A cell installs the package with its tests beside one Airflow, and runs `unit` (all tests without a scheduler), `smoke`
(every operator once, by Airflow's own `dags test`), `real` (a whole Airflow, on SQLite) and `postgresql` (the same on
PostgreSQL). What follows `--` picks parts, and paths restrict `unit`: `nox -s cell-3.1-py3.12 -- unit tests/jobs`. The
session `table` prints what the cells left.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import nox

nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True

ROOT = Path(__file__).parent
RESULTS = ROOT / ".nox" / "results"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# By the metadata of Airflow's own packages. constraints/airflow-X.in is what a cell requires; `newest` is a pre-release
# if there is a newer one, and takes the newest of all that it needs, as a user would get it.
AIRFLOWS: dict[str, tuple[str, ...]] = {
    "3.1": PYTHONS[:3],
    "3.2": PYTHONS,
    "3.3": PYTHONS,
    "newest": PYTHONS,
}
CONSTRAINTS = {"3.1": "constraints/airflow-3.1.txt", "3.2": "constraints/airflow-3.2.txt", "3.3": "constraints.txt"}
PARTS = ("unit", "smoke", "real", "postgresql")


def interpreter(python: str) -> str:
    """Return the path of pyenv's Python of a version, which is not on the path; the version if pyenv has none."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return next(map(str, sorted(versions.glob(f"{python}.*/bin/python{python}"))), python)


def cell(airflow: str, python: str) -> Callable[[nox.Session], None]:
    """Make the session of one Airflow on one Python."""

    def run(session: nox.Session) -> None:
        wanted = session.posargs or list(PARTS)
        parts = [part for part in wanted if part in PARTS]
        paths = [path for path in wanted if path not in PARTS]
        install(session, airflow)
        versions = session.run("python", "-c", VERSIONS, silent=True)
        results = RESULTS / f"{airflow}-py{python}"
        results.mkdir(parents=True, exist_ok=True)
        (results / "versions.json").write_text(str(versions))
        if "unit" in parts:
            pytest(session, results / "unit.xml", "not airflow", "--numprocesses", "2", "--dist", "loadscope", *paths)
        if "smoke" in parts:
            (results / "smoke.xml").unlink(missing_ok=True)
            session.run("python", "scripts/smoke_run.py", "--python", f"{session.bin}/python")
            (results / "smoke.xml").write_text('<testsuite tests="1" failures="0" errors="0" skipped="0"/>')
        if "real" in parts:
            pytest(session, results / "real.xml", "airflow and not ui and not hostile")
        if "postgresql" in parts:
            session.env["VIDEOAI_TESTS_DATABASE"] = "postgresql"
            pytest(session, results / "postgresql.xml", "airflow", "tests/airflow")

    run.__doc__ = f"Airflow {airflow} on Python {python}."
    return run


VERSIONS = """
import json, platform
from importlib.metadata import version
print(json.dumps({"airflow": version("apache-airflow-core"), "python": platform.python_version()}))
"""


def install(session: nox.Session, airflow: str) -> None:
    """Install the package, its tests' tools, and the newest patch of an Airflow."""
    constraints = ("--constraint", CONSTRAINTS[airflow]) if airflow in CONSTRAINTS else ()
    required = f"constraints/airflow-{airflow}.in"
    session.install("--group", "dev", "--editable", ".[sandbox]", "--requirement", required, *constraints)


def pytest(session: nox.Session, report: Path, marks: str, *more: str) -> None:
    """Run tests and leave their counts in ``report``; what fails is the session's failure."""
    report.unlink(missing_ok=True)
    session.run("python", "-m", "pytest", "-q", f"--junitxml={report}", "-m", marks, *more)


for _airflow, _pythons in AIRFLOWS.items():
    for _python in _pythons:
        nox.session(name=f"cell-{_airflow}-py{_python}", python=interpreter(_python))(cell(_airflow, _python))


@nox.session(python=False)
def table(session: nox.Session) -> None:
    """Print what the cells left, as a table in Markdown."""
    print("| Airflow | Python | " + " | ".join(PARTS) + " |\n|---|---|" + "---|" * len(PARTS))
    for results in sorted(RESULTS.glob("*/versions.json")):
        versions = json.loads(results.read_text())
        ran = " | ".join(counts(results.parent / f"{part}.xml") for part in PARTS)
        print(f"| {versions['airflow']} | {versions['python']} | {ran} |")
    session.log("on %s", platform.platform())


def counts(report: Path) -> str:
    """Return how many tests of a report passed, failed and were skipped; a dash if there is none."""
    if not report.exists():
        return "-"
    suites = ET.parse(report).getroot().iter("testsuite")  # noqa: S314 - our own pytest wrote it
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for suite in suites:
        for name in totals:
            totals[name] += int(suite.get(name, 0))
    failed = totals["failures"] + totals["errors"]
    return f"{totals['tests'] - failed - totals['skipped']} passed, {failed} failed, {totals['skipped']} skipped"
