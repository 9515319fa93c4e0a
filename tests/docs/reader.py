# SPDX-License-Identifier: Apache-2.0
"""A reader of a guide: writes its files, runs its commands in a shell, and its DAGs as `airflow dags test` does."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from airflow.configuration import conf

from airflow_provider_videoai.provider_info import provider_info
from airflow_provider_videoai.testing.private_airflow import forget_bundles
from tests.docs.guide import Step, seen

try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:  # before 3.2
    from airflow.models.dagbag import DagBag  # type: ignore[no-redef,attr-defined,unused-ignore]

_DAGS_TEST = "airflow dags test "
_BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"
_OF_THE_SHELL = {"_", "SHLVL", "PWD", "OLDPWD"}


class Reader:
    """Carries out steps in a folder of its own.

    :param folder: the reader's project.
    :param servers: the port that a page names -> starts what serves there, and returns its URL.
    :param setenv: sets a variable of this process until the test ends; what a shell exported is exported here.
    :param output: returns what this process printed since the last call.
    :param database: makes Airflow's database, once.
    """

    def __init__(
        self,
        folder: Path,
        servers: Mapping[str, Callable[[], str]],
        setenv: Callable[[str, str], None],
        output: Callable[[], str],
        database: Callable[[], object],
    ) -> None:
        self._folder = folder
        self._servers = servers
        self._setenv = setenv
        self._output = output
        self._database = database
        (folder / "dags").mkdir(parents=True)
        bundle = {"name": folder.name, "classpath": _BUNDLE, "kwargs": {"path": str(folder / "dags")}}
        setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps([bundle]))
        forget_bundles()  # those of the page before
        setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")

    def take(self, step: Step) -> None:
        """Carry out one step."""
        text = self._here(step.text)
        if step.path:
            file = self._folder / step.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            if step.language == "json":
                json.loads(text)
        elif step.language == "sh":
            output = "".join(self._command(part, fails=step.mark == "the run fails") for part in _parts(text))
            assert seen(self._here(step.shown), output), f"the page shows\n{step.shown}\nbut it says\n{output[-6000:]}"
        elif step.language == "ini":
            check_options(text)
        elif step.language == "json":
            json.loads(text)
        else:
            raise AssertionError(f"line {step.line}: {step.language} that is no file, and not marked as not executed")

    def _here(self, text: str) -> str:
        for named, server in self._servers.items():
            if re.search(rf"\b{named}\b", text):
                text = re.sub(rf"\b{named}\b", server().rpartition(":")[2], text)
        return text.replace("/tmp/", f"{self._folder}/tmp/")  # noqa: S108 - the pages', replaced by one of the test's own

    def _command(self, script: str, *, fails: bool) -> str:
        if script.startswith(_DAGS_TEST):
            self._database()
            return self._run_dag(shlex.split(script.removeprefix(_DAGS_TEST)), fails=fails)
        if script.startswith("airflow "):
            self._database()
        left = self._folder / ".left"
        done = subprocess.run(
            ["/bin/bash", "-c", f"set -eo pipefail\n{script}\nenv -0 > {shlex.quote(str(left))}"],
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=400,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}"
        for name, value in (entry.split("=", 1) for entry in left.read_text().rstrip("\0").split("\0")):
            if name not in _OF_THE_SHELL and os.environ.get(name) != value:
                self._setenv(name, value)
        return done.stdout

    def _run_dag(self, arguments: list[str], *, fails: bool) -> str:
        dag_id, *options = map(os.path.expandvars, arguments)
        assert options[::2] in ([], ["--conf"]), options
        bag = DagBag(self._folder / "dags")
        assert not bag.import_errors
        dag = bag.get_dag(dag_id)
        assert dag, f"no DAG {dag_id}"
        self._output()
        run = dag.test(run_conf=json.loads(options[1]) if options else None)
        output = self._output()
        assert run.state == ("failed" if fails else "success"), output[-6000:]
        return output


def _parts(text: str) -> Iterator[str]:
    """Split the commands of a block: each `airflow dags test` by itself, and what stands between them."""
    script: list[str] = []
    for line in re.sub(r"\\\n *", "", text).splitlines():
        if line.startswith(_DAGS_TEST):
            if script:
                yield "\n".join(script)
            yield line
            script = []
        else:
            script.append(line)
    if script:
        yield "\n".join(script)


def check_options(text: str) -> None:
    """Check that each option of a configuration exists."""
    known = {**conf.configuration_description, **provider_info()["config"]}
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    for section in parser.sections():
        for option in parser.options(section):
            assert option in known[section]["options"], f"[{section}] {option}"
