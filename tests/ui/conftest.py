# SPDX-License-Identifier: Apache-2.0
"""A real Airflow, the sandbox, and a real browser: what a person does and sees."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page
from standalone import Standalone

from airflow_provider_videoai.sandbox import running_sandbox
from airflow_provider_videoai.sandbox.running import Sandbox
from tests.support.chromium import PATIENCE, running_chromium
from tests.support.real_airflow import airflow_at

ROOT = Path(__file__).resolve().parents[2]
USERS = {"admin": "admin", "viewer": "viewer", "narrow": "viewer", "guest": ""}
"""User -> role in the simple auth manager; one without a role may do nothing."""


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(queue_seconds=3.0, run_seconds=9.0) as running:
        yield running


@pytest.fixture(scope="session")
def airflow(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    home = tmp_path_factory.mktemp("airflow")
    users = ",".join(f"{name}:{role}" for name, role in USERS.items())
    with airflow_at(sandbox, home, ROOT / "dags", AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS=users) as running:
        yield running


@dataclass(frozen=True)
class Run:
    """A run of a DAG."""

    dag_id: str
    run_id: str

    def query(self, task_id: str) -> str:
        return str(httpx.QueryParams(dag_id=self.dag_id, run_id=self.run_id, task_id=task_id, map_index=-1))

    def api(self, task_id: str, what: str = "") -> str:
        return f"/video-jobs/api/jobs/{self.dag_id}/{self.run_id}/{task_id}/-1{what}"


@pytest.fixture(scope="session")
def done(airflow: Standalone) -> Run:
    """A run of `localize_clip` that has ended; one of `tencent_narrator` has, too."""
    runs = [Run(dag_id, airflow.trigger(dag_id)) for dag_id in ("localize_clip", "tencent_narrator")]
    for run in runs:
        assert airflow.finish(run.dag_id, run.run_id, 400) == "success"
    return runs[0]


@pytest.fixture(scope="session")
def under_way(airflow: Standalone, sandbox: Sandbox, done: Run) -> Run:
    """A run of `localize_clip` whose first jobs are just being submitted, and take as long as a test lets them."""
    sandbox.clock(queue_seconds=5, run_seconds=400)
    return Run(done.dag_id, airflow.trigger(done.dag_id))


@pytest.fixture(scope="session")
def passwords(airflow: Standalone) -> dict[str, str]:
    stored: dict[str, str] = json.loads((airflow.home / "simple_auth_manager_passwords.json.generated").read_text())
    return stored


@pytest.fixture
def client(airflow: Standalone, passwords: dict[str, str]) -> Iterator[Callable[..., httpx.Client]]:
    """Make a client of Airflow's API server, logged in as a user or (``None``) as nobody."""
    clients: list[httpx.Client] = []

    def client(user: str | None, url: str = airflow.url) -> httpx.Client:
        made = httpx.Client(base_url=url, timeout=60, trust_env=False)
        clients.append(made)
        if user is not None:
            answer = made.post("/auth/token", json={"username": user, "password": passwords[user]}).raise_for_status()
            made.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return made

    yield client
    for made in clients:
        made.close()


# -- the browser ---


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with running_chromium() as running:
        yield running


@pytest.fixture
def log_in(browser: Browser, airflow: Standalone, passwords: dict[str, str]) -> Iterator[Callable[..., Page]]:
    """Log in through the form and return the page; an error of our scripts fails the test."""
    contexts = []
    errors: list[str] = []

    def log_in(user: str = "admin", **options: Any) -> Page:
        context = browser.new_context(base_url=airflow.url, **({"viewport": {"width": 1280, "height": 800}} | options))
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error.stack)))
        page.goto("/")
        page.locator("input[name=username]").fill(user)
        page.locator("input[name=password]").fill(passwords[user])
        page.locator("button[type=submit]").click()
        page.wait_for_url(lambda url: "/login" not in url)
        return page

    yield log_in
    for context in contexts:
        context.close()
    assert [error for error in errors if "/video-jobs/" in error] == []


@pytest.fixture
def picture(tmp_path: Path) -> Callable[[Page, str], None]:
    """Keep a screenshot: in the folder ``VIDEOAI_PICTURES`` if that is set."""
    folder = Path(os.environ.get("VIDEOAI_PICTURES") or tmp_path)

    def picture(page: Page, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.png"
        page.wait_for_timeout(2000)  # the browser's players fade their controls in and out without an event
        page.screenshot(path=path)
        with Image.open(path) as shot:
            shot.convert("RGB").save(path, optimize=True)

    return picture
