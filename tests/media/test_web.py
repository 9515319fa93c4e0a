# SPDX-License-Identifier: Apache-2.0
"""The addresses that may be connected to, and the redirects that are followed."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from airflow_provider_videoai.media import addresses
from airflow_provider_videoai.media.addresses import AddressRefused, PrivateAddress, check_url, is_public
from airflow_provider_videoai.media.web import MediaClient, TooManyRedirects


@asynccontextmanager
async def a_server() -> AsyncIterator[str]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="inside")

    application = web.Application()
    application.router.add_get("/", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def fetched(url: str, *, allow_private: bool) -> str:
    async with (
        MediaClient(allow_private=allow_private) as client,
        await client.request("GET", check_url(url)) as answer,
    ):
        return await answer.text()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"])
async def test_a_server_in_the_own_network_is_reached_only_if_allowed(host: str) -> None:
    async with a_server() as port:
        with pytest.raises(PrivateAddress):
            await fetched(f"http://{host}:{port}/", allow_private=False)
        assert await fetched(f"http://{host}:{port}/", allow_private=True) == "inside"


Resolve = Callable[..., Awaitable[Any]]


async def test_dns_rebinding_is_refused_when_the_connection_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter(["8.8.8.8", "127.0.0.1"])

    def resolve(_host: str, port: int, *_: Any, **__: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert is_public(
        str(socket.getaddrinfo("changing.example", 80)[0][4][0])
    )  # what a check beforehand would have seen
    with pytest.raises(PrivateAddress):
        await fetched("http://changing.example/", allow_private=False)


async def test_a_name_with_a_private_address_beside_a_public_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def resolve(_host: str, port: int, *_: Any, **__: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in ("10.0.0.1", "8.8.8.8")]

    def note(address: str) -> bool:
        tried.append(address)
        return is_public(address)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(addresses, "is_public", note)
    with pytest.raises(PrivateAddress):
        await fetched("http://both.example/", allow_private=False)
    assert tried == ["10.0.0.1"]


# -- redirects ---


async def followed(url: str, *, allow_private: bool = True) -> bytes:
    async with MediaClient(allow_private=allow_private) as client, await client.get(url, {}, seconds=30) as answer:
        return await answer.read()


async def test_a_relative_redirect_is_followed(serve: Any) -> None:
    first = serve(location="1")
    serve(location="/2")
    serve(b"the end")
    assert await followed(first) == b"the end"


async def test_a_redirect_loop_is_given_up(serve: Any) -> None:
    with pytest.raises(TooManyRedirects, match="redirected more than 5 times"):
        await followed(serve(location="/0"))


async def test_each_redirect_is_checked_like_the_first_url(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []

    def only_our_server(address: str) -> bool:
        judged.append(address)
        return address == "127.0.0.1"

    monkeypatch.setattr(addresses, "is_public", only_our_server)
    with pytest.raises(PrivateAddress, match=r"169\.254\.169\.254"):
        await followed(serve(location="http://169.254.169.254/latest/meta-data"), allow_private=False)
    assert judged == ["127.0.0.1", "169.254.169.254"]


@pytest.mark.parametrize(
    "location", ["http://[::1/?sig=secret", "http://a:99999/?sig=secret", "ftp://a/", "http://a:secret@b/", "file:///a"]
)
async def test_a_redirect_to_an_invalid_url_is_refused_and_shows_no_secret(serve: Any, location: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        await followed(serve(location=location))
    assert "secret" not in str(refused.value)
