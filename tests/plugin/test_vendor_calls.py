# SPDX-License-Identifier: Apache-2.0
"""What is outside the API server may hang: the server, and every other page, does not."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest
from airflow import settings
from airflow.providers.common.io.xcom import backend
from airflow.providers.common.io.xcom.backend import XComObjectStorageBackend
from airflow.sdk import ObjectStoragePath
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.execution_time import xcom

from airflow_provider_videoai.plugin import media, web
from airflow_provider_videoai.plugin.media import MediaUrls
from airflow_provider_videoai.plugin.vendor_calls import Busy, OutsideCalls, SharedCalls
from tests.plugin.test_api_server import CARD, states
from tests.support.api_server import API, HIDDEN, ApiServer
from tests.support.hanging import HangingServer, hanging_server

SECRET = "not-for-anybody"


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[HangingServer]:
    """A vendor that hangs; its connection is ``slow``."""
    with hanging_server() as server:
        connection = {"conn_type": "viitor", "host": server.url, "login": "1001", "password": SECRET}
        monkeypatch.setenv("AIRFLOW_CONN_SLOW", json.dumps(connection))
        monkeypatch.setattr(media, "LEAST_INTERVAL", 0.0)
        monkeypatch.setattr(media, "_SHARE", 0.0)
        yield server


def jobs_of(api_server: ApiServer, count: int, **reference: Any) -> str:
    many = CARD | {"conn_id": "slow", "job_ids": [f"ViiTor_AI{number}" for number in range(count)]}
    return api_server.task(video_job=many | reference)


def test_while_a_vendor_hangs_airflow_answers_and_few_requests_are_in_flight(
    api_server: ApiServer, slow: HangingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "media_urls", MediaUrls(outside=OutsideCalls(seconds=3.0)))
    path = jobs_of(api_server, 18)

    async def view() -> list[httpx.Response]:
        async with api_server.async_client() as client, asyncio.TaskGroup() as viewers:
            opened = [viewers.create_task(client.get(f"{path}/result?job={number}")) for number in range(18)]
            await asyncio.to_thread(slow.until_open, 2)
            in_flight = set(opened)
            while len(in_flight) > 2:
                _, in_flight = await asyncio.wait(in_flight, return_when=asyncio.FIRST_COMPLETED)
            assert cast(Any, settings.engine).pool.checkedout() == 0
            for _ in range(3):
                assert (await client.get("/api/v2/version")).status_code == 200
                assert (await client.get(API)).status_code == 200
            assert not all(each.done() for each in opened), "the vendor still hangs"
        return [each.result() for each in opened]

    answers = asyncio.run(view())
    assert {answer.status_code for answer in answers} == {503}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
    assert SECRET not in "".join(answer.text for answer in answers)
    assert slow.most == 2
    slow.until_open(0)


def test_a_closed_client_connection_ends_its_vendor_call(api_server: ApiServer, slow: HangingServer) -> None:
    path = jobs_of(api_server, 1)

    async def leave() -> None:
        async with api_server.async_client() as client:
            opened = asyncio.create_task(client.get(f"{path}/result"))
            await asyncio.to_thread(slow.until_open, 1)
            opened.cancel()
            await asyncio.wait({opened})

    asyncio.run(leave())
    slow.until_open(0)


def test_a_call_that_several_wait_for_ends_with_the_last_of_them(api_server: ApiServer, slow: HangingServer) -> None:
    path = jobs_of(api_server, 1)

    async def leave() -> None:
        async with api_server.async_client() as client:
            opened = [asyncio.create_task(client.get(f"{path}/{what}")) for what in ("result", "subtitles")]
            await asyncio.to_thread(slow.until_open, 1)
            while web.media_urls._shared._waiting.total() < 2:  # noqa: ASYNC110 - it changes in the server's thread
                await asyncio.sleep(0.01)
            opened[0].cancel()
            await asyncio.wait({opened[0]})
            assert (slow.open, slow.most) == (1, 1)
            opened[1].cancel()
            await asyncio.wait({opened[1]})

    asyncio.run(leave())
    slow.until_open(0)


def test_busy_or_not_a_user_sees_nothing_of_dags_that_they_may_not_read(
    api_server: ApiServer, slow: HangingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "media_urls", MediaUrls(outside=OutsideCalls(at_once=0)))
    monkeypatch.setattr(web, "stores", OutsideCalls(at_once=0))
    monkeypatch.setattr(xcom, "XCom", Elsewhere)
    there = api_server.task(f"{HIDDEN}.dag", video_job=CARD | {"conn_id": "slow"})
    with api_server.client() as client, api_server.client(None) as nobody:
        for path in (there, f"{there}/result", there.replace("task", "other")):
            assert client.get(path).status_code == 403
            assert nobody.get(path).status_code == 401
    assert slow.most == 0


class TestStoredElsewhere:
    """XComs that a backend keeps in an object storage."""

    @pytest.fixture
    def stored(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
        monkeypatch.setattr(backend, "_get_base_path", lambda: ObjectStoragePath(f"file://{tmp_path}"))
        monkeypatch.setattr(backend, "_get_threshold", lambda: 0)
        monkeypatch.setattr(xcom, "XCom", XComObjectStorageBackend)
        return XComObjectStorageBackend.serialize_value

    def test_are_read_from_there(self, stored: Any, api_server: ApiServer) -> None:
        status = {"observed_at": 1_778_486_460.0, "jobs": [{"job_id": "j1", "state": "succeeded"}]}
        path = api_server.task(video_job=stored(CARD), status=stored(status))
        api_server.task(task_id="small", video_job=CARD)
        api_server.task(task_id="gone", video_job=stored(CARD) + ".gone")
        assert states(api_server) == {"task": "succeeded", "small": "queued", "gone": "unreadable"}
        with api_server.client() as client:
            assert client.get(path).json()["results"][0]["state"] == "succeeded"
            assert client.get(f"{path}/source").headers["location"] == CARD["source"]

    def test_that_cannot_be_read_are_shown_as_that(
        self, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(xcom, "XCom", Broken)
        path = api_server.task(video_job=CARD)
        assert states(api_server) == {"task": "unreadable"}
        with api_server.client() as client:
            assert client.get(path).json()["state"] == "unreadable"
        assert "1 XComs could not be read through Broken: PermissionError" in caplog.text
        assert SECRET not in caplog.text

    def test_in_a_storage_that_hangs_cost_their_own_pages_and_no_others(
        self, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(web, "stores", OutsideCalls(at_once=4, per_account=4, seconds=1.0, threads=2))
        monkeypatch.setattr(xcom, "XCom", Elsewhere)
        path = api_server.task(video_job=CARD)

        async def view() -> Counter[int]:
            async with api_server.async_client() as client, asyncio.TaskGroup() as viewers:
                opened = [viewers.create_task(client.get(each)) for each in [path, API] * 10]
                await asyncio.to_thread(Elsewhere.reached.wait)
                assert (await client.get("/api/v2/version")).status_code == 200
            return Counter(each.result().status_code for each in opened)

        try:
            assert asyncio.run(view()) == {503: 20}
        finally:
            Elsewhere.goes_on.set()


class Broken(BaseXCom):
    """A backend whose storage refuses."""

    @staticmethod
    def deserialize_value(result: Any) -> Any:  # noqa: ARG004
        raise PermissionError(SECRET)


class Elsewhere(BaseXCom):
    """A backend whose storage hangs."""

    reached, goes_on = threading.Event(), threading.Event()

    @staticmethod
    def deserialize_value(result: Any) -> Any:
        Elsewhere.reached.set()
        Elsewhere.goes_on.wait()
        return result.value


# -- the limits themselves ---------------------------------------------------------------------------------------


def test_an_account_gets_its_share_of_the_places_and_gives_them_back() -> None:
    outside = OutsideCalls(at_once=3, per_account=2)

    async def calls() -> None:
        async with outside.call("a"), outside.call("a"):
            with pytest.raises(Busy, match="Too many"):
                async with outside.call("a"):
                    pytest.fail("a third of one account")
            async with outside.call("b"):
                with pytest.raises(Busy):
                    async with outside.call("c"):
                        pytest.fail("a fourth of all")
        async with outside.call("a"):
            pass
        assert not outside._in_flight

    asyncio.run(calls())


def test_a_call_has_a_deadline_and_an_error_of_its_own_stays_what_it_is() -> None:
    async def call(outside: OutsideCalls, work: Any) -> None:
        async with outside.call("a"):
            await work

    async def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(Busy, match=r"within 0\.01 seconds") as late:
        asyncio.run(call(OutsideCalls(seconds=0.01), asyncio.Event().wait()))
    assert (late.value.status, late.value.retry_after) == (503, 5)
    with pytest.raises(TimeoutError, match="its own"):
        asyncio.run(call(OutsideCalls(), fail()))


def test_a_thread_that_hangs_keeps_its_thread_and_what_waits_for_one_is_dropped() -> None:
    outside, goes_on, ran = OutsideCalls(seconds=0.05, threads=1), threading.Event(), list[int]()

    async def call(work: Any) -> None:
        async with outside.call("a"):
            await outside.in_thread(work)

    for work in (goes_on.wait, lambda: ran.append(1)):
        with pytest.raises(Busy):
            asyncio.run(call(work))
    goes_on.set()
    asyncio.run(call(lambda: ran.append(2)))
    assert ran == [2]


def test_calls_for_the_same_are_one_call_and_all_get_its_error() -> None:
    async def calls() -> tuple[list[Any], int]:
        shared, made = SharedCalls(), list[int]()

        async def fail() -> None:
            made.append(1)
            await asyncio.sleep(0)
            raise ValueError("no")

        outcomes = await asyncio.gather(*(shared.call("a", fail) for _ in range(3)), return_exceptions=True)
        assert not shared._tasks
        return [str(each) for each in outcomes], len(made)

    assert asyncio.run(calls()) == (["no"] * 3, 1)
