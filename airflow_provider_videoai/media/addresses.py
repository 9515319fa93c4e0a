# SPDX-License-Identifier: Apache-2.0
"""Where a URL from outside may lead: to the public internet, and not into the network of whoever follows it.

A name is judged by the address that is connected to, at the moment of the connection: what a name server said a moment
before does not count, so a name that changes its address is no way around.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

import aiohttp
from typing_extensions import override
from yarl import URL

from airflow_provider_videoai.jobs.exchange import USER_AGENT
from airflow_provider_videoai.jobs.network import tls

REDIRECTS = 5
"""How many are followed at most."""

# IPv6 addresses by which a gateway reaches the IPv4 address in their last four bytes.
_CARRIERS = tuple(map(IPv6Network, ("::ffff:0:0/96", "64:ff9b::/96")))
_UNICAST = IPv6Network("2000::/3")
_REDIRECTS_OF_HTTP = frozenset({301, 302, 303, 307, 308})
_NUMBERS = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*", re.IGNORECASE)


class AddressRefused(Exception):
    """The URL leads where it may not; the text names the host and holds neither path nor query."""

    def advice(self, conn_id: str) -> str:  # noqa: ARG002 - nothing can be done about most
        """Return what may be set in a connection to lift the refusal, as an end of its text."""
        return ""


class PrivateAddress(AddressRefused):
    """It leads to an address that is not of the public internet: the one refusal that a user may lift."""

    @override
    def advice(self, conn_id: str) -> str:
        return (
            ". If it is meant to lie in your own network, set allow_private_addresses in the extra of connection "
            f"{conn_id!r}"
        )


class TooManyRedirects(Exception):
    """The URL leads from one address to the next, without end."""

    def __init__(self) -> None:
        super().__init__(f"redirected more than {REDIRECTS} times")


def allowed(address: str) -> bool:
    """Return whether an IP address is one of the public internet; what is no IP address at all is not."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return _public(found)


def _public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast
    if any(address in carrier for carrier in _CARRIERS):
        return _public(IPv4Address(address.packed[-4:]))
    if address.sixtofour is not None:
        return _public(address.sixtofour)
    return address in _UNICAST and address.is_global


def checked(url: str) -> URL:
    """Return the URL as it is to be sent; raise :class:`AddressRefused` for all but a plain http(s) address."""
    try:
        address = URL(url, encoded=True)
        host, port = address.host, address.port
    except ValueError:
        raise AddressRefused("it is no URL") from None
    if address.scheme not in ("http", "https") or not host or not port:
        raise AddressRefused("it is no http(s) address")
    if address.user is not None or address.password is not None:
        raise AddressRefused(f"the address at {host!r} holds a login")
    return address.with_host(_plain_ipv4(host)) if _NUMBERS.fullmatch(host) else address


def _plain_ipv4(host: str) -> str:
    """Write an IPv4 address the usual way, 127.0.0.1 for 2130706433 say, so that it is judged as what it is."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        raise AddressRefused(f"{host!r} is no host") from None


def session(*, allow_private: bool, **options: Any) -> aiohttp.ClientSession:
    """Open a session of aiohttp that connects to public addresses only, unless told otherwise.

    Whoever uses it follows redirects with :func:`get`, or passes ``allow_redirects=False`` and follows none.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=tls(),
            socket_factory=None if allow_private else _public_socket,
            # In turn, not in a race: a refusal is then raised, and not passed over for the next address.
            happy_eyeballs_delay=None,
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        **options,
    )


async def get(client: aiohttp.ClientSession, url: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
    """Open a URL and follow its redirects, each after :func:`checked`; return the answer at their end.

    Raises :class:`AddressRefused`, :class:`TooManyRedirects`, and what aiohttp raises of the network.
    """
    address = checked(url)
    for _ in range(REDIRECTS + 1):
        try:
            answer = await client.get(address, headers=headers, allow_redirects=False)
        except aiohttp.InvalidURL as failure:
            raise AddressRefused("it is no address that can be connected to") from failure
        if answer.status not in _REDIRECTS_OF_HTTP:
            return answer
        answer.close()
        address = _next(address, answer.headers.get("Location", ""))
    raise TooManyRedirects


def _next(address: URL, location: str) -> URL:
    try:
        target = str(address.join(URL(location, encoded=True)))
    except ValueError:
        raise AddressRefused("it is redirected to what is no URL") from None
    return checked(target)


def _public_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """Make the socket for an address that a name resolved to, or that was written in the URL."""
    family, kind, protocol, _, (host, *_) = address
    if not allowed(str(host)):
        raise PrivateAddress(f"{host} is not an address of the public internet")
    return socket.socket(family, kind, protocol)
