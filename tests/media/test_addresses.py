# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from airflow_provider_videoai.media.addresses import MAX_URL_LENGTH, AddressRefused, check_url, is_public

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "203.0.114.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]
NOT_PUBLIC = {
    "loopback": "127.0.0.1",
    "loopback, far": "127.255.0.9",
    "loopback, IPv6": "::1",
    "private 10": "10.1.2.3",
    "private 172": "172.16.0.1",
    "private 192": "192.168.1.1",
    "private, IPv6": "fd00::1",
    "the clouds' metadata": "169.254.169.254",
    "metadata, IPv6": "fd00:ec2::254",
    "link-local, IPv6": "fe80::1",
    "link-local with a zone": "fe80::1%eth0",
    "site-local": "fec0::1",
    "shared by carriers": "100.64.0.1",
    "unspecified": "0.0.0.0",  # noqa: S104 - nothing is bound to it
    "unspecified, IPv6": "::",
    "this network": "0.1.2.3",
    "multicast": "224.0.0.1",
    "multicast, IPv6": "ff02::1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "documentation": "192.0.2.1",
    "documentation, IPv6": "2001:db8::1",
    "benchmarks": "198.18.0.1",
    "mapped": "::ffff:127.0.0.1",
    "mapped metadata": "::ffff:169.254.169.254",
    "compatible": "::127.0.0.1",
    "NAT64": "64:ff9b::10.0.0.1",
    "NAT64 of one's own": "64:ff9b:1::808:808",
    "6to4": "2002:7f00:1::1",
    "Teredo": "2001:0:808:808::1",
    "no address": "localhost",
    "empty": "",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_public_internet_is_allowed(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC.values(), ids=NOT_PUBLIC)
def test_any_other_address_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/a",
        "file:///etc/passwd",
        "//example.com/a",
        "/a",
        "",
        "http://",
        "http://user@example.com/",
        "http://user:secret@example.com/",
        "http://example.com:99999/",
        "http://[::1/",
        "gopher://example.com/",
        "http://999.999.999.999/",
        "http://[x?y=secret",
        "http://a..b/?secret",
        f"http://{'a' * 64}.example/",
        f"http://{'x' * 300}/",
        f"http://xn--{'a' * 80}.example/",
        "http://example.com/a\r\nX-Injected: secret",
        "http://example.com/\x00secret",
        "http://exa\udcffmple.com/secret",
        "http://example.com/" + "a" * MAX_URL_LENGTH,
        "http://\u2100.example/",
    ],
)
def test_only_plain_http_urls_are_accepted_and_errors_show_no_secret(url: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        check_url(url)
    assert "secret" not in str(refused.value)


def test_a_signed_url_is_sent_as_it_is() -> None:
    url = "https://example.com/a%20b/c%2Fd.mp4?sig=a%2Bb%2F%3D&x=1+2"
    assert str(check_url(url)) == url


def test_a_space_is_escaped_as_browsers_do() -> None:
    assert str(check_url(" http://example.com/a b.mp4 ")) == "http://example.com/a%20b.mp4"


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0x7f.1", "0177.0.0.1"])
def test_an_unusual_notation_of_an_address_is_normalized_before_the_check(host: str) -> None:
    assert check_url(f"http://{host}/").host == "127.0.0.1"
