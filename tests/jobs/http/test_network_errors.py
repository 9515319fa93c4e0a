# SPDX-License-Identifier: Apache-2.0
"""Why a host could not be reached: from real failures of the network, as far as this machine can have them."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator

import httpcore
import httpx
import pytest

from airflow_provider_videoai.jobs.http.network_errors import why


@pytest.fixture
def mute() -> Iterator[str]:
    """Return the address of a server that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def failure_of(url: str) -> Exception:
    with pytest.raises(httpx.HTTPError) as failure:
        httpx.get(url, timeout=0.3, trust_env=False)
    return failure.value


def test_closed_port_is_named(free_port: int) -> None:
    assert why(failure_of(f"http://127.0.0.1:{free_port}")) == "connection refused: is the port right?"


def test_host_name_that_does_not_exist_is_named() -> None:
    assert why(failure_of("http://nowhere.invalid")).startswith("the host name cannot be resolved")


def test_missing_answer_is_named(mute: str) -> None:
    assert why(failure_of(f"http://{mute}")) == "no answer in time"


def not_trusted(code: int) -> ssl.SSLCertVerificationError:
    failure = ssl.SSLCertVerificationError("certificate verify failed")
    failure.verify_code = code
    return failure


@pytest.mark.parametrize(
    ("code", "named", "words"),
    [
        (18, {}, "its TLS certificate is not trusted: a private CA is set with SSL_CERT_FILE in the environment"),
        (
            20,
            {"SSL_CERT_FILE": "/a.pem", "CURL_CA_BUNDLE": "/b.pem"},
            "its TLS certificate is not trusted: the environment trusts only what is in SSL_CERT_FILE, CURL_CA_BUNDLE",
        ),
        (10, {}, "its TLS certificate has expired: is this machine's clock right?"),
        (62, {}, "its TLS certificate is another host's"),
    ],
)
def test_certificate_that_is_not_trusted_names_whom_the_environment_trusts(
    monkeypatch: pytest.MonkeyPatch, code: int, named: dict[str, str], words: str
) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name, path in named.items():
        monkeypatch.setenv(name, path)
    assert why(not_trusted(code)) == words


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (httpcore.ProxyError("407 Proxy Authentication Required"), "the proxy refused the connection: HTTP 407"),
        (httpcore.ProxyError("went wrong"), "the proxy refused the connection: HTTP ?"),
    ],
)
def test_refusal_of_a_proxy_is_said_by_its_status(failure: Exception, words: str) -> None:
    assert why(failure) == words


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (OSError(errno.ENETUNREACH, "unreachable"), "there is no route to the host"),
        (OSError(errno.EHOSTUNREACH, "unreachable"), "there is no route to the host"),
        (ssl.SSLError("wrong version"), "it does not speak TLS: is it http://, or another port?"),
        (ConnectionResetError(), "the connection was reset"),
    ],
)
def test_root_of_a_failure_is_named(failure: Exception, words: str) -> None:
    wrapped = httpx.ConnectError("https://example.com/?sign=secret")
    wrapped.__cause__ = failure
    assert why(wrapped) == words


def test_unknown_failure_is_named_by_its_class_only() -> None:
    assert why(httpx.RemoteProtocolError("https://example.com/?sign=secret")) == "RemoteProtocolError"
