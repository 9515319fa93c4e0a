# SPDX-License-Identifier: Apache-2.0
"""Where a URL from outside may lead: to the public internet, and not into the network of whoever follows it.

A name is judged by the address that is connected to, at the moment of the connection: what a name server said a moment
before does not count, so a name that changes its address is no way around.
"""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from typing_extensions import override
from yarl import URL

__all__ = ["MAX_URL_LENGTH", "AddressRefused", "PrivateAddress", "check_url", "is_public", "require_public"]

MAX_URL_LENGTH = 16 * 1024
"""Characters; a signed URL has some thousand."""

# IPv6 addresses by which a gateway reaches the IPv4 address in their last four bytes.
_IPV4_IN_IPV6 = tuple(map(IPv6Network, ("::ffff:0:0/96", "64:ff9b::/96")))
_UNICAST = IPv6Network("2000::/3")
_SENDABLE = re.compile(r"[^\x00-\x20\x7f\ud800-\udfff]*")
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


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the public internet; what is no IP address at all is not."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return _is_public(found)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast
    if any(address in network for network in _IPV4_IN_IPV6):
        return _is_public(IPv4Address(address.packed[-4:]))
    if address.sixtofour is not None:
        return _is_public(address.sixtofour)
    return address in _UNICAST and address.is_global


def check_url(url: str) -> URL:
    """Return the URL as it is to be sent; raise :class:`AddressRefused` for all but a plain http(s) address."""
    url = url.strip(" ").replace(" ", "%20")  # as browsers do; all else is sent as it was signed
    if len(url) > MAX_URL_LENGTH:
        raise AddressRefused("it is longer than URLs are")
    if not _SENDABLE.fullmatch(url):
        raise AddressRefused("it holds characters that no URL may")
    try:
        address = URL(url, encoded=True)
        host, port = address.host, address.port
        (host or "").encode("idna")
    except ValueError:  # a UnicodeError, for a host that no name server is queried for, is one
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


def require_public(address: str) -> None:
    """Raise :class:`PrivateAddress` for an IP address that is not of the public internet."""
    if not is_public(address):
        raise PrivateAddress(f"{address} is not an address of the public internet")
