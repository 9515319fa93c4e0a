# SPDX-License-Identifier: Apache-2.0
"""What semantic versioning covers, by name. A change of a list is a change for users: see the page "Public API"."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import airflow_provider_videoai
from airflow_provider_videoai import jobs, registry
from tests.support.which_airflow import AIRFLOW_V_3_3_PLUS

PACKAGE = "airflow_provider_videoai"
PAGE = Path(__file__).resolve().parents[1] / "docs/reference/public-api.md"

PUBLIC: dict[str, tuple[str, ...]] = {
    "hooks.viitor": ("ViiTorHook",),
    "hooks.aidge": ("AidgeHook",),
    "hooks.cdnetworks": ("CDNetworksHook",),
    "hooks.topview": ("TopviewHook",),
    "hooks.tencent_ivh": ("TencentIVHHook",),
    "operators.viitor": ("ViiTorTextRemovalOperator",),
    "operators.aidge": ("AidgeVideoRemovalOperator",),
    "operators.cdnetworks": (
        "CDNetworksPullVideoOperator",
        "CDNetworksTrimOperator",
        "CDNetworksUploadVideoOperator",
    ),
    "operators.topview": ("TopviewUploadOperator", "TopviewVideoAvatarOperator"),
    "operators.tencent_ivh": ("TencentTtsOperator", "TencentVideoMakeOperator"),
    "operators.batch": ("VideoBatchOperator",),
    "decorators.batch": ("video_batch_task",),
    "sensors.viitor": ("ViiTorTextRemovalSensor",),
    "sensors.aidge": ("AidgeVideoRemovalSensor",),
    "sensors.cdnetworks": ("CDNetworksPullVideoSensor", "CDNetworksTrimSensor"),
    "sensors.topview": ("TopviewVideoAvatarSensor",),
    "sensors.tencent_ivh": ("TencentProductionSensor",),
    "transfers.media": ("VideoResultToObjectStorageOperator",),
    "transfers.subtitles": ("WordTimesToSubtitlesOperator",),
    "files.presigned": ("presigned",),
    "triggers.job": ("VideoJobTrigger",),
    "triggers.batch": ("VideoBatchTrigger",),
    "policies.retry": ("VideoAIRetryPolicy",),
    "links": ("VideoJobLink", "VideoResultLink"),
    "jobs": (
        "AuthenticationFailed",
        "BatchFailed",
        "ContentRejected",
        "InvalidRequest",
        "JobAborted",
        "JobFailed",
        "JobNotFound",
        "JobRequest",
        "JobResult",
        "JobState",
        "JobStatus",
        "JobTimedOut",
        "MediaLimits",
        "Output",
        "OutputKind",
        "QuotaExceeded",
        "ResultUnavailable",
        "StorageFailed",
        "SubmitRejected",
        "SubmitUncertain",
        "Usage",
        "VendorUnavailable",
        "VideoAIError",
    ),
    "sandbox": ("CREDENTIALS", "Credential", "Sandbox", "connections", "running_sandbox"),
    "testing": ("RunResult", "TaskResult", "assert_paid_once"),
    "testing.connections": ("SandboxConnections",),
    "testing.plugin": ("RunDag", "videoai_connections", "videoai_dag_run", "videoai_sandbox"),
}
"""Module -> the names that semantic versioning covers."""

PROVISIONAL: dict[str, tuple[str, ...]] = {
    "jobs.protocol.vendor": ("Vendor", "Verdict"),
    "jobs.protocol.account": ("Account",),
    "jobs.protocol.call": ("Answer", "Call", "Flow"),
    "jobs.protocol.idempotency": ("Idempotency",),
    "jobs.protocol.options": ("ConnectionOptions",),
    "jobs.protocol.response": ("SuccessBy",),
    "connections.form": ("ConnectionType",),
    "hooks.job": ("VideoJobHook",),
    "operators.job": ("VideoJobOperator",),
    "sensors.job": ("VideoJobSensor",),
}
"""What a vendor is made of: public, and may change in a minor version until the contract is declared stable."""


def modules() -> list[str]:
    found = (each.name for each in walk_packages(airflow_provider_videoai.__path__, f"{PACKAGE}."))
    names = (name.removeprefix(f"{PACKAGE}.") for name in found)
    return [name for name in names if name.partition(".")[0] != "sandbox"]


def load(name: str) -> object:
    if name == "policies.retry" and not AIRFLOW_V_3_3_PLUS:
        pytest.skip("needs Airflow 3.3: retry policies")
    if name == "sandbox" or name.startswith(("plugin.", "testing.")):
        pytest.importorskip("starlette")
    return import_module(f"{PACKAGE}.{name}")


def defined(module: object) -> set[str]:
    """Return the public classes and functions that a module defines, and its constants."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and (getattr(value, "__module__", None) == module.__name__ or name.isupper())  # type: ignore[attr-defined]
    }


def order(name: str) -> tuple[int, str]:
    """Sort constants first, then classes, then functions, as the linter does."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2), name


@pytest.mark.parametrize("name", modules())
def test_module_lists_its_public_names(name: str) -> None:
    module = load(name)
    listed = getattr(module, "__all__", None)
    if listed is None:
        assert not defined(module), f"{name} needs __all__"
        return
    assert list(listed) == sorted(listed, key=order)
    assert [each for each in listed if not hasattr(module, each)] == []


@pytest.mark.parametrize("name", [*PUBLIC, *PROVISIONAL])
def test_every_public_name_is_there(name: str) -> None:
    names = (PUBLIC | PROVISIONAL)[name]
    module = load(name)
    assert [each for each in names if not hasattr(module, each)] == []
    if (listed := getattr(module, "__all__", None)) is not None:
        assert set(names) <= set(listed)


def test_no_class_that_a_dag_may_use_is_missing_from_the_list() -> None:
    missing = []
    for layer in ("hooks", "operators", "sensors"):
        for vendor in registry.VENDORS:
            module = import_module(registry.module_of(layer, vendor))
            classes = {name for name in defined(module) if inspect.isclass(getattr(module, name))}
            missing += [f"{layer}.{vendor}.{name}" for name in classes - set(PUBLIC.get(f"{layer}.{vendor}", ()))]
    assert missing == []


def test_the_engines_public_half_is_exactly_the_list() -> None:
    assert tuple(jobs.__all__) == PUBLIC["jobs"]
    with pytest.raises(AttributeError, match="no attribute 'Poller'"):
        _ = jobs.Poller


def test_the_engine_loads_nothing_before_a_name_is_used() -> None:
    program = (
        "import sys; import airflow_provider_videoai.jobs; print([n for n in sys.modules if 'videoai.jobs.' in n])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def listed_on_the_page(heading: str) -> dict[str, tuple[str, ...]]:
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n", 1)[1].partition("\n## ")[0]
    rows = re.findall(r"^\| `([\w.]+)` \| (.*) \|$", section, re.MULTILINE)
    return {module: tuple(re.findall(r"`(\w+)`", names)) for module, names in rows}


def test_the_page_states_the_supported_versions_that_the_package_declares() -> None:
    project = tomllib.loads((PAGE.parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pythons = [each.rpartition(" ")[2] for each in project["classifiers"] if re.search(r"Python :: 3\.\d+$", each)]
    (airflow,) = (each for each in project["dependencies"] if each.startswith("apache-airflow>="))
    page = PAGE.read_text(encoding="utf-8")
    assert f"| Python | {pythons[0]} to {pythons[-1]} |" in page
    first, _, below = airflow.partition(">=")[2].partition(",<")
    last = f"3.{int(below.rpartition('.')[2]) - 1}"
    assert f"| Airflow | {first} to {last}:" in page


def test_the_page_states_the_same_names() -> None:
    assert listed_on_the_page("Public names") == PUBLIC
    assert listed_on_the_page("The vendor contract") == PROVISIONAL
