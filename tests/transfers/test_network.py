# SPDX-License-Identifier: Apache-2.0
"""Proxies, private certificate authorities and running loops: transfers and uploads work as all other requests do."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from airflow_provider_videoai.hooks.lookup import hook_for
from airflow_provider_videoai.hooks.topview import TopviewHook
from airflow_provider_videoai.jobs.errors import InvalidRequest, ResultUnavailable, VendorUnavailable
from airflow_provider_videoai.media import download
from benchmarks.certificates import write_certificates
from tests.support.proxy import running_proxy

Transfer = Callable[..., Any]
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
TRUST = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
CONTENT = b"media, or so"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_LONGEST_PAUSE", 0.01)
    for name in (*VARIABLES, *TRUST):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def https(authority: tuple[Path, Path], tmp_path: Path) -> Iterator[str]:
    """Serve a file over TLS, with a certificate that no public authority signed; returns its URL."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "clip.mp4").write_bytes(CONTENT)

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_: Any) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority[1])
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}/clip.mp4"
        server.shutdown()
        thread.join()


@pytest.fixture
def carry(file_store: Any, transfer: Transfer, result_at: Any) -> Callable[..., Any]:
    """Transfer any file from a URL to a folder."""

    def carry(url: str, **arguments: Any) -> Any:
        return transfer(result_at(url), f"{file_store.root}/clip.mp4", verify=False, **arguments)

    return carry


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_private_authority_is_trusted_once_the_environment_names_it(
    carry: Transfer,
    file_store: Any,
    https: str,
    authority: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    with pytest.raises(VendorUnavailable, match="TLS certificate is not trusted"):
        carry(https)
    monkeypatch.setenv(variable, str(authority[0]))
    carry(https)
    assert file_store.files() == {"clip.mp4": CONTENT}


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("login", [None, "user:se%20cret"])
def test_https_goes_through_the_environments_proxy(
    carry: Transfer,
    file_store: Any,
    https: str,
    authority: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    login: str | None,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority[0]))
    with running_proxy(login=login and login.replace("%20", " ")) as proxy:
        monkeypatch.setenv(variable, proxy.url.replace(" ", "%20"))
        monkeypatch.setenv("NO_PROXY", "sandbox.invalid")
        carry(https)
        assert [line.split(" ")[0] for line in proxy.requests] == ["CONNECT"]
    assert file_store.files() == {"clip.mp4": CONTENT}


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_http_goes_through_the_environments_proxy(
    carry: Transfer, file_store: Any, serve: Any, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    url = serve(CONTENT)
    with running_proxy(login="user:secret") as proxy:
        monkeypatch.setenv(variable, proxy.url)
        carry(url)
        assert proxy.requests == [f"GET {url} HTTP/1.1"]
    assert file_store.files() == {"clip.mp4": CONTENT}


def test_a_host_in_no_proxy_is_reached_directly(carry: Transfer, serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "example.com, 127.0.0.0/8")
        carry(serve(CONTENT))
        assert proxy.requests == []


def test_a_name_that_only_the_proxy_resolves_is_its_decision(
    carry: Transfer, serve: Any, connect: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = connect("viitor", extra={})
    url = serve(CONTENT).replace("127.0.0.1", "media.invalid")
    with running_proxy(hosts=("media.invalid",)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert carry(url, vendor_conn_id=guarded)["bytes"] == len(CONTENT)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254", "2130706433", "[::ffff:10.0.0.1]"])
def test_a_proxy_cannot_be_used_to_reach_the_users_network(
    carry: Transfer, connect: Callable[..., str], monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    guarded = connect("viitor", extra={})
    with running_proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        with pytest.raises(ResultUnavailable, match="not an address of the public internet"):
            carry(f"http://{host}:9/clip.mp4", vendor_conn_id=guarded)
        assert proxy.requests == []


def test_a_refusal_of_a_proxy_names_it_and_never_its_login(
    carry: Transfer, https: str, serve: Any, free_port: int, monkeypatch: pytest.MonkeyPatch, everything_said: Any
) -> None:
    texts = []
    with running_proxy(refuses=403) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//user:secret@"))
        with pytest.raises(VendorUnavailable, match=rf"the proxy {proxy.place} of HTTPS_PROXY.*HTTP 403") as refused:
            carry(https)
        texts.append(refused.value)
    with running_proxy(login="user:other") as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("other", "secret"))
        with pytest.raises(VendorUnavailable, match=rf"the proxy {proxy.place} of HTTP_PROXY.*HTTP 407") as unknown:
            carry(serve(CONTENT))
        texts.append(unknown.value)
    monkeypatch.setenv("HTTP_PROXY", f"http://user:secret@127.0.0.1:{free_port}")
    with pytest.raises(VendorUnavailable, match=rf"127.0.0.1:{free_port} of HTTP_PROXY: connection refused") as nobody:
        carry(serve(CONTENT))
    texts.append(nobody.value)
    assert "secret" not in f"{everything_said()}{texts}{[text.__cause__ for text in texts]}"


@pytest.mark.parametrize("value", ["ftp://proxy.example:1", "http://[x", "socks5://127.0.0.1:1"])
def test_an_unusable_proxy_variable_is_named(
    carry: Transfer, serve: Any, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", value)
    with pytest.raises(InvalidRequest, match="HTTP_PROXY"):
        carry(serve(CONTENT))


@pytest.mark.parametrize("vendor", ["topview", "cdnetworks"])
def test_uploads_go_through_the_environments_proxy_as_the_requests_do(
    sandbox: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vendor: str
) -> None:
    (tmp_path / "clip.mp4").write_bytes(CONTENT)
    hook: Any = hook_for(vendor)
    with running_proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert hook.upload(tmp_path / "clip.mp4")
        methods = [line.split(" ")[0] for line in proxy.requests]
    assert "PUT" in methods or "POST" in methods
    assert all(sandbox.url in line for line in proxy.requests)


# -- notebooks ---


async def test_a_transfer_works_while_an_event_loop_is_running(carry: Transfer, file_store: Any, serve: Any) -> None:
    assert carry(serve(CONTENT))["bytes"] == len(CONTENT)
    assert file_store.files() == {"clip.mp4": CONTENT}
    assert asyncio.get_running_loop().is_running()


async def test_an_upload_works_while_an_event_loop_is_running(sandbox: Any, tmp_path: Path) -> None:  # noqa: ARG001
    (tmp_path / "clip.mp4").write_bytes(CONTENT)
    hook = TopviewHook()
    assert hook.has_file(hook.upload(tmp_path / "clip.mp4"))
