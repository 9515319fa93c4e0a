# SPDX-License-Identifier: Apache-2.0
"""Protection against server-side request forgery: URLs from outside may lead to the public internet only.

A host name is checked by the address that is connected to, when the connection is made. A check of an earlier DNS
answer could be bypassed by a name that changes its address (DNS rebinding).
"""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from typing_extensions import override
from yarl import URL

__all__ = ["MAX_URL_LENGTH", "AddressRefused", "PrivateAddress", "check_url", "is_public", "require_public"]

MAX_URL_LENGTH = 16 * 1024
"""In characters; signed URLs have up to a few thousand."""

# IPv4-mapped (RFC 4291) and NAT64 (RFC 6052): they lead to the IPv4 address in their last four bytes.
_IPV4_IN_IPV6 = tuple(map(IPv6Network, ("::ffff:0:0/96", "64:ff9b::/96")))
_UNICAST = IPv6Network("2000::/3")
_SENDABLE = re.compile(r"[^\x00-\x20\x7f\ud800-\udfff]*")
_NUMBERS = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*", re.IGNORECASE)


class AddressRefused(Exception):
    """The URL is refused. The text may name the host, and holds neither path nor query, as these may be secret."""

    def advice(self, conn_id: str) -> str:  # noqa: ARG002 - for the subclass
        """Return a sentence to append to the message: how a user may lift the refusal; empty if that is not possible.

        :param conn_id: the connection whose extra lifts it.
        """
        return ""


class PrivateAddress(AddressRefused):
    """The URL leads to an address outside of the public internet: the only refusal that a user may lift."""

    @override
    def advice(self, conn_id: str) -> str:
        return (
            ". If it is meant to lie in your own network, set allow_private_addresses in the extra of connection "
            f"{conn_id!r}"
        )


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public internet; ``False`` for text that is no IP address.

    :param address: IPv4 or IPv6; a zone id (``%eth0``) is ignored.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return _is_public(found)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        # Multicast is global by the registry, and yet leads to whoever joined in the own network.
        return address.is_global and not address.is_multicast
    if any(address in network for network in _IPV4_IN_IPV6):
        return _is_public(IPv4Address(address.packed[-4:]))
    if address.sixtofour is not None:  # RFC 3056: routed to the IPv4 address inside
        return _is_public(address.sixtofour)
    return address in _UNICAST and address.is_global


def check_url(url: str) -> URL:
    """Return the URL in the form in which it is sent.

    :param url: an http or https URL; spaces around it are dropped, spaces inside become ``%20``.
    :raises AddressRefused: for any other scheme, a login in the URL, control characters, or an invalid host.
    """
    url = url.strip(" ").replace(" ", "%20")  # as browsers do; other characters stay: a signature covers them
    if len(url) > MAX_URL_LENGTH:
        raise AddressRefused(f"the URL is longer than {MAX_URL_LENGTH} characters")
    if not _SENDABLE.fullmatch(url):
        raise AddressRefused("the URL has characters that are not allowed in URLs")
    try:
        address = URL(url, encoded=True)
        host, port = address.host, address.port
        (host or "").encode("idna")
    except ValueError:  # includes UnicodeError, for a host that IDNA cannot encode
        raise AddressRefused("the text is not a URL") from None
    if address.scheme not in ("http", "https") or not host or not port:
        raise AddressRefused("the URL is not an http(s) address")
    if address.user is not None or address.password is not None:
        raise AddressRefused(f"the URL at {host!r} contains a login")
    return address.with_host(_plain_ipv4(host)) if _NUMBERS.fullmatch(host) else address


def _plain_ipv4(host: str) -> str:
    """Normalize an IPv4 address as a resolver would (``2130706433`` is ``127.0.0.1``), so that it is checked."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        raise AddressRefused(f"{host!r} is not a valid host") from None


def require_public(address: str) -> None:
    """Check an IP address before a connection to it is made.

    :param address: IPv4 or IPv6.
    :raises PrivateAddress: if it is outside of the public internet.
    """
    if not is_public(address):
        raise PrivateAddress(f"{address} is not an address of the public internet")
