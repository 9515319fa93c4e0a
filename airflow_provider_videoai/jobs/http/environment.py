# SPDX-License-Identifier: Apache-2.0
"""Read the network's settings from the environment: the proxy to a URL, and the trusted certificate authorities.

All HTTP of this package follows them: requests to vendors, uploads and transfers alike. Libraries read the same
variables each in its own way, so what reached the vendor would depend on which of them sends.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies_environment

import httpx

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.values.printable import printable

__all__ = ["Proxy", "authorities", "proxy_for", "tls"]

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
# Variables that name a file of trusted certificates: OpenSSL's, and those of requests and curl.
_FILES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_DIRECTORY = "SSL_CERT_DIR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """The proxy of an environment variable; ``str()`` is its name in messages.

    :param variable: the variable's name.
    :param scheme: ``http``, ``https``, ``socks5`` or ``socks5h``.
    :param host: a name or an address.
    :param port: the one that is set, else the scheme's own.
    :param login: user and password; the only part that holds credentials.
    """

    variable: str
    scheme: str
    host: str
    port: int
    login: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The URL of it, without the login."""
        return f"{self.scheme}://{self.place}"

    @property
    def place(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"the proxy {printable(self.place)} of {self.variable}"


def proxy_for(url: str) -> Proxy | None:
    """Return the proxy that the environment sets for an http(s) URL.

    Reads ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``, each in lower case first.

    :param url: where a request is to be sent.
    :returns: ``None`` if the host is reached directly.
    :raises InvalidRequest: for a variable that names no proxy.
    """
    # Not getproxies(): it also reads the system's settings, which on macOS is not safe in a forked process.
    proxies = getproxies_environment()
    try:
        target = urlsplit(url)
    except ValueError:
        return None  # no request will be made to it
    scheme = target.scheme if target.scheme in proxies else "all"
    if scheme not in proxies or _excepted(target, proxies.get("no", "")):
        return None
    name = f"{scheme}_proxy"
    return _proxy(name if os.environ.get(name) else name.upper(), proxies[scheme])


def _proxy(variable: str, value: str) -> Proxy:
    parts: SplitResult | None = None
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, port = parts.hostname, parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError):
        host, port = None, 0
    if parts is None or not host or not host.isascii():
        raise InvalidRequest(
            f"environment variable {variable}: must be the URL of a proxy, such as http://proxy.example:3128 "
            f"({', '.join(_PORTS)})"
        )
    # Checked here: httpcore imports it with the first request, and a submit would end in an ImportError.
    if parts.scheme.startswith("socks") and find_spec("socksio") is None:
        raise InvalidRequest(f"environment variable {variable}: a SOCKS proxy needs the package 'httpx[socks]'")
    login = (unquote(parts.username or ""), unquote(parts.password or ""))
    return Proxy(variable=variable, scheme=parts.scheme, host=host, port=port, login=login if any(login) else None)


def _excepted(target: SplitResult, no_proxy: str) -> bool:
    host = (target.hostname or "").rstrip(".")
    try:
        port = target.port or _PORTS.get(target.scheme)
    except ValueError:
        port = None
    return any(_excepts(entry, host, port) for entry in no_proxy.replace(",", " ").lower().split())


def _excepts(entry: str, host: str, port: int | None) -> bool:
    """Return whether an entry of ``NO_PROXY`` (a domain, an address, a network, each with a port or not) is this."""
    if entry == "*":
        return True
    # Not strict: "10.1.2.3/8" means the network 10.0.0.0/8.
    try:
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:  # one of both is a name, or the entry has a port
        pass
    name, _, only = entry.rpartition(":") if entry.rpartition(":")[2].isdecimal() else (entry, "", "")
    if only and int(only) != port:
        return False
    # "*.example.com", ".example.com" and "example.com" mean the same: all three are in use.
    name = name.strip("[]").removeprefix("*").lstrip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def authorities() -> dict[str, str]:
    """Return the environment variables that name trusted authorities, with their values; empty: the public ones."""
    return {name: path for name in (*_FILES, _DIRECTORY) if (path := os.environ.get(name))}


def tls() -> ssl.SSLContext:
    """Return the TLS context of all connections.

    It trusts what ``SSL_CERT_FILE``, ``SSL_CERT_DIR``, ``REQUESTS_CA_BUNDLE`` and ``CURL_CA_BUNDLE`` name, all of them,
    or the public authorities if none is set. Building one takes some 20 ms, so there is one for each setting.

    :raises InvalidRequest: for authorities that cannot be read.
    """
    return _context(tuple(authorities().items()))


@lru_cache(maxsize=4)
def _context(named: tuple[tuple[str, str], ...]) -> ssl.SSLContext:
    if not named:
        # trust_env would read two of the variables, and they are read here.
        return httpx.create_ssl_context(trust_env=False)
    context = ssl.create_default_context(capath=os.devnull)  # trusts nobody yet
    # By path: two variables often name the same file. If it is wrong, the error names the first of them.
    for path, variable in {path: variable for variable, path in reversed(named)}.items():
        try:
            context.load_verify_locations(*_place(variable, path))
        except OSError as failure:  # an SSLError, for a file without certificates, is one
            raise InvalidRequest(
                f"environment variable {variable}: {printable(path)!r} must be certificates to trust, as a PEM file "
                "or a directory that `openssl rehash` has prepared"
            ) from failure
    return context


def _place(variable: str, path: str) -> tuple[str | None, str | None]:
    """Return the file or the directory, of which ``SSL_CERT_DIR`` may list several."""
    # OpenSSL skips missing directories without an error: with none of them there, nobody would be trusted.
    if variable != _DIRECTORY and not Path(path).is_dir():
        return path, None
    if not any(Path(each).is_dir() for each in path.split(os.pathsep)):
        raise NotADirectoryError(path)
    return None, path
