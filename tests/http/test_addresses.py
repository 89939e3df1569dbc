"""The SSRF guard's list: special-purpose addresses, and addresses inside of addresses."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarkit.http.addresses import is_public

V4 = [
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.0",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.8",
    "192.0.0.9",
    "192.0.0.170",
    "192.0.0.192",
    "192.0.0.255",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
]
V6 = [
    "::",
    "::1",
    "::7f00:1",
    "::ffff:0:7f00:1",
    "100::1",
    "100:0:0:1::1",
    "64:ff9b:1::1",
    "64:ff9b:1::808:808",
    "1000::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:1::1",
    "2001:2::1",
    "2001:3::1",
    "2001:10::1",
    "2001:20::1",
    "2001:30::1",
    "2001:1ff:ffff::1",
    "2001:db8::1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "ffff::1",
]


@pytest.mark.parametrize("address", [*V4, *V6])
def test_a_special_address_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", V4)
@pytest.mark.parametrize("block", ["::ffff:0:0", "64:ff9b::", "2002::"])
def test_a_special_address_inside_of_another_is_not_public(block, address):
    assert not is_public(inside(block, address))


def inside(block, address):
    shift = 80 if block == "2002::" else 0
    return str(IPv6Address(int(IPv6Address(block)) | int(IPv4Address(address)) << shift))


@pytest.mark.parametrize("block", ["::ffff:0:0", "64:ff9b::", "2002::"])
def test_a_public_address_inside_of_another_is_public(block):
    assert is_public(inside(block, "93.184.215.14"))


@pytest.mark.parametrize(
    "address",
    [
        *(
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "191.255.255.255",
        ),
        *("192.0.1.0", "192.88.98.255", "192.88.100.0", "198.20.0.0", "223.255.255.255"),
        *("2001:200::1", "2001:db9::1", "2606:2800:220:1::1", "2a00::1", "3ffe::1", "3fff:1000::1"),
    ],
)
def test_the_neighbours_of_a_special_block_are_public(address):
    assert is_public(address)


@given(st.ip_addresses())
def test_what_python_calls_private_is_not_public(address):
    embedded = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if not (embedded or address.is_global or str(address).startswith("64:ff9b::")):
        assert not is_public(str(address))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_wherever_it_is(address):
    told = {is_public(inside(block, address)) for block in ("::ffff:0:0", "64:ff9b::", "2002::")}
    assert told == {is_public(str(address))}


def test_a_name_is_no_address():
    with pytest.raises(ValueError, match=r"cdn\.example"):
        is_public("cdn.example")
