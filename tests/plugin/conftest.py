# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from airflow_provider_videoai.plugin.batches import Batches
from airflow_provider_videoai.plugin.lines import Lines
from airflow_provider_videoai.plugin.manifests import Manifests
from airflow_provider_videoai.plugin.media import MediaUrls
from airflow_provider_videoai.plugin.vendor_calls import OutsideCalls
from airflow_provider_videoai.sandbox import running_sandbox
from tests.support.api_server import ApiServer, running_api_server
from tests.support.stores import s3_server, s3_store

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["s3_server", "s3_store"]


@pytest.fixture(scope="session")
def _api_server() -> Iterator[ApiServer]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AIRFLOW__CORE__AUTH_MANAGER", "tests.support.api_server.SomeDagsAuthManager")
        environment.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        environment.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "x" * 64)
        with running_api_server() as running:
            yield running


@pytest.fixture
def api_server(_api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """Airflow's API server without a task, and with a page that remembers nothing."""
    from airflow_provider_videoai.plugin import batch_web, web  # noqa: PLC0415 - as late as Airflow imports it

    monkeypatch.setattr(web, "media_urls", MediaUrls())
    monkeypatch.setattr(web, "lines", Lines())
    monkeypatch.setattr(web, "stores", OutsideCalls(at_once=4, per_account=4, threads=8))
    monkeypatch.setattr(batch_web, "batches", Batches())
    monkeypatch.setattr(batch_web, "manifests", Manifests())
    monkeypatch.setattr(batch_web, "files", OutsideCalls(at_once=8, per_account=4, threads=8))
    _api_server.forget()
    yield _api_server
    _api_server.forget()


# Of one module: while it is driven, no other test can run an event loop of its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from tests.support.chromium import running_chromium  # noqa: PLC0415 - most of these tests need no browser

    with running_chromium() as running:
        yield running


@pytest.fixture(scope="module")
def samples() -> Iterator[str]:
    """The URL of a folder of media."""
    with running_sandbox() as sandbox:
        yield f"{sandbox.url}/sample"
