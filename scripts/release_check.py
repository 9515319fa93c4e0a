# SPDX-License-Identifier: Apache-2.0
"""`make release-check`: build what would be published, and try it as a user gets it.

Runs in an environment with the dependency group `release`. `--only` picks steps by their names; `--publish` refuses as
well what no release may have: a placeholder for the repository's address, a version that the changelog does not name,
or a `--tag` of another version. What was built is left in `dist/`.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

from smoke_run import smoke

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
PACKAGE = "airflow_provider_videoai"
PROJECT = "airflow-provider-videoai"
PLACEHOLDER = "https://example.org/"
"""Stands for the repository's address until there is one."""
ADDRESSED = ("pyproject.toml", ".airflow-registry.yaml", ".github/ISSUE_TEMPLATE/config.yml", "SECURITY.md")
MOST_BYTES = {".whl": 1_000_000, ".gz": 5_000_000}
"""A wheel has no pictures, an sdist those of the documentation. Far more means that something got in by mistake."""
NEEDED = (f"{PACKAGE}/py.typed", f"{PACKAGE}/plugin/static/jobs.html", "licenses/LICENSE", "licenses/NOTICE")
SUFFIXES = {".py", ".typed", ".html", ".css", ".js", ".svg"}
"""Of what a wheel may hold below the package."""
OPTIONAL = ("av", "numpy", "PIL")
"""What only the extras bring."""
_RELATIVE_LINK = re.compile(r"\]\((?![a-z]+:|#)[^)]*\)")


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    publish: bool
    tag: str | None
    work: Path
    """A folder that is removed at the end."""

    @property
    def wheel(self) -> Path:
        """The wheel that the step `build` made."""
        return _only(DIST.glob("*.whl"))

    @property
    def sdist(self) -> Path:
        """The source distribution that the step `build` made."""
        return _only(DIST.glob("*.tar.gz"))


class ReleaseError(Exception):
    """What is built may not be published."""


def main() -> int:
    """Run the steps, one line for each, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--publish", action="store_true", help="refuse what no release may have")
    parser.add_argument("--tag", help="the tag that is released, v1.0.0 say")
    parser.add_argument("--only", nargs="+", choices=[step.__name__ for step in STEPS], help="steps to run")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="videoai-release-") as work:
        options = Options(chosen.publish, chosen.tag, Path(work))
        for step in STEPS:
            if chosen.only and step.__name__ not in chosen.only:
                continue
            began = time.monotonic()
            try:
                said = step(options)
            except (ReleaseError, RuntimeError) as failure:
                print(f"FAILED  {step.__name__}: {failure}")
                return 1
            print(f"ok      {step.__name__}: {said} ({time.monotonic() - began:.0f} s)", flush=True)
    return 0


# -- the steps --------------------------------------------------------------------------------------------------


def workflows(_: Options) -> str:
    """Check the files below `.github` against GitHub's schemas, and the workflows for what is unsafe."""
    github = ROOT / ".github"
    files = sorted((github / "workflows").glob("*.yml"))
    forms = github / "ISSUE_TEMPLATE"
    for schema, checked in {
        "github-workflows": files,
        "dependabot": [github / "dependabot.yml"],
        "github-issue-config": [forms / "config.yml"],
        "github-issue-forms": sorted({*forms.glob("*.yml")} - {forms / "config.yml"}),
    }.items():
        _run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *checked)
    _run("zizmor", "--offline", "--no-progress", "--config", github / "zizmor.yml", github)
    return f"{len(files)} workflows"


def build(options: Options) -> str:
    """Build from two copies of what git tracks, and the wheel again from the source distribution: byte for byte."""
    first, second = (_built(_copy(options.work / name), "--sdist", "--wheel") for name in ("first", "second"))
    unpacked = options.work / "unpacked"
    with tarfile.open(_only(first.glob("*.tar.gz"))) as archive:
        archive.extractall(unpacked, filter="data")
    third = _built(_only(unpacked.iterdir()), "--wheel")
    for again in (*second.iterdir(), *third.iterdir()):
        if not filecmp.cmp(first / again.name, again, shallow=False):
            raise ReleaseError(f"{again.name} has other bytes when it is built again in {again.parent.parent.name}")
    shutil.rmtree(DIST, ignore_errors=True)
    shutil.copytree(first, DIST)
    return ", ".join(sorted(f"{path.name} {path.stat().st_size:,} bytes" for path in DIST.iterdir()))


def contents(options: Options) -> str:
    """Check what is in the wheel and the source distribution, and how much."""
    names = zipfile.ZipFile(options.wheel).namelist()
    for name in names:
        top, _, _ = name.partition("/")
        if not (top == PACKAGE and Path(name).suffix in SUFFIXES) and not top.endswith(".dist-info"):
            raise ReleaseError(f"the wheel holds {name}")
    for needed in NEEDED:
        if not any(name.endswith(needed) for name in names):
            raise ReleaseError(f"the wheel lacks {needed}")
    for path in (options.wheel, options.sdist):
        if path.stat().st_size > MOST_BYTES[path.suffix]:
            raise ReleaseError(f"{path.name} has {path.stat().st_size:,} bytes, more than {MOST_BYTES[path.suffix]:,}")
    _run("check-wheel-contents", "--no-config", options.wheel)
    return f"{len(names)} files in the wheel"


def metadata(options: Options) -> str:
    """Check what an index shows: the page without relative links, the version, the addresses."""
    _run("twine", "check", "--strict", options.wheel, options.sdist)
    with zipfile.ZipFile(options.wheel) as wheel:
        name = next(each for each in wheel.namelist() if each.endswith(".dist-info/METADATA"))
        fields = message_from_bytes(wheel.read(name))
    if links := _RELATIVE_LINK.findall(str(fields.get_payload())):
        raise ReleaseError(f"the page on the index has relative links: {links}")
    version = str(fields["Version"])
    if options.tag and options.tag != f"v{version}":
        raise ReleaseError(f"the tag is {options.tag}, and the version {version}")
    if options.publish:
        _check_published(version)
    return f"version {version}"


def installed(options: Options) -> str:
    """Install the wheel without extras into an environment of its own, import all of it, and run Airflow's commands."""
    python = _environment(options, "plain", str(options.wheel))
    modules = _modules(options.wheel)
    program = "\n".join(
        [
            "import importlib, importlib.util",
            f"present = [name for name in {OPTIONAL!r} if importlib.util.find_spec(name)]",
            "assert not present, f'an extra is installed: {present}'",
            f"for name in {modules!r}: importlib.import_module(name)",
        ]
    )
    _run(python, "-c", program, home=options.work / "plain-home")
    listed = _run(python, "-m", "airflow", "providers", "list", "-o", "plain", home=options.work / "plain-home")
    if PROJECT not in listed:
        raise ReleaseError(f"airflow providers list does not show it:\n{listed}")
    _check_sandbox_says_what_to_install(python, options)
    return f"{len(modules)} modules imported without extras"


def operators(options: Options) -> str:
    """Run every operator in the environment without extras; the sandbox is in one with its extra."""
    plain = options.work / "plain" / "bin" / "python"
    if not plain.exists():
        plain = _environment(options, "plain", str(options.wheel))
    return smoke(plain, _environment(options, "sandbox", f"{PROJECT}[sandbox] @ {options.wheel.as_uri()}"))


def docs(_: Options) -> str:
    """Build the site, in which every warning and dead link is an error."""
    _run("make", "--no-print-directory", "docs", cwd=ROOT)
    return "the site is built"


STEPS: tuple[Callable[[Options], str], ...] = (workflows, build, contents, metadata, installed, operators, docs)


# -- their parts ------------------------------------------------------------------------------------------------


def _only(paths: Iterable[Path]) -> Path:
    found = list(paths)
    if len(found) != 1:
        raise ReleaseError(f"there must be one file or folder, and not {found}: run the step build")
    return found[0]


def _run(*command: object, cwd: Path = ROOT, home: Path | None = None, **more: str) -> str:
    """Run a command of this environment's, or one with its path; raise with its output if it fails."""
    program = Path(sys.executable).parent / str(command[0])
    words = [str(program if program.exists() else command[0]), *map(str, command[1:])]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    if home is not None:
        home.mkdir(exist_ok=True)
        environment |= {"AIRFLOW_HOME": str(home)}
        cwd = home  # not the project's folder: the package must be the installed one
    done = subprocess.run(  # noqa: S603 - the project's own tools
        words,
        cwd=cwd,
        env=environment | more,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ReleaseError(f"{' '.join(words)[:300]}\n{done.stdout[-6000:]}")
    return done.stdout


def _copy(to: Path) -> Path:
    """Copy what git tracks, as it is now: no file that happens to lie here may get into a distribution."""
    tracked = _run("git", "ls-files", "-z").split("\0")
    for name in filter(None, tracked):
        if (source := ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, to / name)  # with the time of the copy: it must not get into the archives
    return to


def _built(tree: Path, *kinds: str) -> Path:
    made = tree / "dist"
    epoch = _run("git", "log", "-1", "--format=%ct").strip()
    _run(sys.executable, "-m", "build", "--installer", "uv", *kinds, "--outdir", made, tree, SOURCE_DATE_EPOCH=epoch)
    for ignored in made.glob(".gitignore"):
        ignored.unlink()
    return made


def _modules(wheel: Path) -> list[str]:
    """Return the modules of a wheel but those whose libraries only the extras, or pytest, bring."""
    names = [name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(PACKAGE) and name.endswith(".py")]
    modules = [name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in names]
    apart = (f"{PACKAGE}.sandbox", f"{PACKAGE}.media.prober", f"{PACKAGE}.testing")
    return sorted(name for name in modules if not name.startswith(apart))


def _environment(options: Options, name: str, requirement: str) -> Path:
    folder = options.work / name
    _run("uv", "venv", "--quiet", "--python", sys.executable, folder)
    python = folder / "bin" / "python"
    _run("uv", "pip", "install", "--quiet", "--python", python, requirement, cwd=options.work)
    return python


def _check_sandbox_says_what_to_install(python: Path, options: Options) -> None:
    try:
        _run(python, "-m", f"{PACKAGE}.sandbox", "--port", "0", home=options.work / "plain-home")
    except ReleaseError as refused:
        if f"pip install '{PROJECT}[sandbox]'" in str(refused):
            return
        raise
    raise ReleaseError("the sandbox starts without its extra")


def _check_published(version: str) -> None:
    if f"\n## {version} - " not in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"):
        raise ReleaseError(f"CHANGELOG.md has no section '## {version} - YYYY-MM-DD'")
    if unset := [name for name in ADDRESSED if PLACEHOLDER in (ROOT / name).read_text(encoding="utf-8")]:
        raise ReleaseError(f"{', '.join(unset)}: a placeholder for the repository's address")


if __name__ == "__main__":
    sys.exit(main())
