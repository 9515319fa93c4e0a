# SPDX-License-Identifier: Apache-2.0
"""Which proxy a URL takes and whom a connection trusts: by the environment, alike for everything that is sent."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import certifi
import pytest

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.http.environment import authorities, proxy_for, tls

BUNDLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

pytestmark = pytest.mark.usefixtures("no_proxy")


@pytest.fixture(autouse=True)
def no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in BUNDLES:
        monkeypatch.delenv(name, raising=False)


def proxy_of(url: str) -> str | None:
    proxy = proxy_for(url)
    return None if proxy is None else str(proxy)


@pytest.mark.parametrize(
    ("variables", "url", "proxy"),
    [
        ({}, "https://vendor.test", None),
        ({"HTTPS_PROXY": "http://p.test:3128"}, "https://vendor.test", "the proxy p.test:3128 of HTTPS_PROXY"),
        ({"https_proxy": "http://p.test:3128"}, "https://vendor.test", "the proxy p.test:3128 of https_proxy"),
        ({"HTTPS_PROXY": "http://p.test:3128"}, "http://vendor.test", None),
        ({"HTTP_PROXY": "http://p.test"}, "http://vendor.test", "the proxy p.test:80 of HTTP_PROXY"),
        ({"HTTP_PROXY": "p.test:8080"}, "http://vendor.test", "the proxy p.test:8080 of HTTP_PROXY"),
        ({"HTTP_PROXY": "http://p.test", "REQUEST_METHOD": "GET"}, "http://vendor.test", None),  # a CGI script's header
        ({"ALL_PROXY": "https://p.test"}, "http://vendor.test", "the proxy p.test:443 of ALL_PROXY"),
        (
            {"ALL_PROXY": "http://a.test", "HTTPS_PROXY": "http://[::1]:9"},
            "https://v.test",
            "the proxy [::1]:9 of HTTPS_PROXY",
        ),
        ({"HTTPS_PROXY": "http://p.test", "https_proxy": ""}, "https://vendor.test", None),
        ({"HTTPS_PROXY": "http://me:s3cret@p.test:1"}, "https://vendor.test", "the proxy p.test:1 of HTTPS_PROXY"),
    ],
)
def test_proxy_is_the_environments(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str, proxy: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert proxy_of(url) == proxy


@pytest.mark.parametrize(
    ("excepted", "url", "direct"),
    [
        ("*", "https://vendor.test", True),
        ("vendor.test", "https://vendor.test", True),
        ("vendor.test", "https://VENDOR.test.", True),
        ("vendor.test", "https://api.vendor.test", True),
        (".vendor.test", "https://api.vendor.test", True),
        ("*.vendor.test", "https://api.vendor.test", True),
        ("vendor.test", "https://notvendor.test", False),
        ("localhost, vendor.test", "https://vendor.test", True),
        ("localhost vendor.test", "https://vendor.test", True),
        ("vendor.test:8443", "https://vendor.test:8443", True),
        ("vendor.test:8443", "https://vendor.test", False),
        ("vendor.test:443", "https://vendor.test", True),
        ("10.0.0.0/8", "https://10.1.2.3:99", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("10.0.0.0/8", "https://10.vendor.test", False),
        ("127.0.0.1", "http://127.0.0.1:80", True),
        ("[::1]", "https://[::1]:99", True),
        ("fd00::/8", "https://[fd00::7]", True),
        ("[::1]:99", "https://[::1]:99", True),
        ("[::1]:99", "https://[::1]:98", False),
        ("., ,:,:80", "https://vendor.test", False),
        ("", "https://vendor.test", False),
    ],
)
def test_no_proxy_excepts(monkeypatch: pytest.MonkeyPatch, excepted: str, url: str, direct: bool) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://p.test")
    monkeypatch.setenv("NO_PROXY", excepted)
    assert (proxy_for(url) is None) is direct


def test_login_of_a_proxy_is_for_the_connection_and_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:s3cr%40t@p.test:3128")
    proxy = proxy_for("https://vendor.test")
    assert proxy is not None
    assert proxy.login == ("me", "s3cr@t")
    assert "s3cr" not in f"{proxy} {proxy!r} {proxy.url}"


@pytest.mark.parametrize(
    "value",
    ["ftp://p.test", "http://", "http://me:s3cret@:80", "http://p.test:99999", "http://[::", "http://pr\u00f6xy"],
)
def test_what_is_no_proxy_is_named_without_its_login(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(InvalidRequest, match="environment variable HTTPS_PROXY: must be the URL of a proxy") as refused:
        proxy_for("https://vendor.test")
    assert "s3cret" not in str(refused.value)


def test_socks_proxy_names_the_package_that_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_videoai.jobs.http.environment.find_spec", lambda _: None)
    monkeypatch.setenv("ALL_PROXY", "socks5h://p.test")
    with pytest.raises(InvalidRequest, match=r"ALL_PROXY: a SOCKS proxy needs the package 'httpx\[socks\]'"):
        proxy_for("https://vendor.test")


# -- whom to trust ---------------------------------------------------------------------------------------------


def trusted() -> set[Any]:
    return {certificate["serialNumber"] for certificate in tls().get_ca_certs()}


@pytest.fixture
def two_authorities(tmp_path: Path) -> tuple[Path, Path]:
    """Return two files with one public authority each."""
    end = "-----END CERTIFICATE-----\n"
    first, second, *_ = Path(certifi.where()).read_text(encoding="utf-8").split(end)
    files = tmp_path / "first.pem", tmp_path / "second.pem"
    for file, text in zip(files, (first, second), strict=True):
        file.write_text(text + end, encoding="utf-8")
    return files


def test_public_authorities_are_trusted_if_nothing_else_is_said() -> None:
    assert len(trusted()) > 50
    assert authorities() == {}


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_file_of_authorities_takes_the_place_of_the_public_ones(
    monkeypatch: pytest.MonkeyPatch, two_authorities: tuple[Path, Path], name: str
) -> None:
    monkeypatch.setenv(name, str(two_authorities[0]))
    assert len(trusted()) == 1
    assert list(authorities()) == [name]


def test_files_of_several_variables_are_all_trusted(
    monkeypatch: pytest.MonkeyPatch, two_authorities: tuple[Path, Path]
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(two_authorities[0]))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(two_authorities[1]))
    assert len(trusted()) == 2


def test_context_is_verified_and_built_once_for_each_setting(
    monkeypatch: pytest.MonkeyPatch, two_authorities: tuple[Path, Path]
) -> None:
    public = tls()
    monkeypatch.setenv("SSL_CERT_FILE", str(two_authorities[0]))
    private = tls()
    assert tls() is private is not public
    assert (private.verify_mode, private.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("name", BUNDLES)
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_what_holds_no_certificates_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    monkeypatch.setenv(name, str(path))
    with pytest.raises(InvalidRequest, match=f"environment variable {name}: '{path}' must be certificates to trust"):
        tls()
