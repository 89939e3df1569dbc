"""Internet addresses that links may lead to: the SSRF guard's list, the same on every Python.

``ipaddress.is_global`` is not used, since its list differs between patch releases of Python.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

__all__ = ["is_public"]

#: IPv4 blocks that are not part of the public internet: the whole blocks of
#: https://www.iana.org/assignments/iana-ipv4-special-registry (of 2025-10-09, read 2026-11-30)
#: without those for AS112 and AMT, which are public, and multicast (RFC 5771).
_IPV4 = (
    "0.0.0.0/8",  # this network
    "10.0.0.0/8",  # private use
    "100.64.0.0/10",  # shared address space
    "127.0.0.0/8",  # loopback
    "169.254.0.0/16",  # link local, where clouds serve credentials
    "172.16.0.0/12",  # private use
    "192.0.0.0/24",  # protocol assignments; 192.0.0.192 served credentials at Oracle
    "192.0.2.0/24",  # documentation
    "192.88.99.0/24",  # 6to4 relays, deprecated
    "192.168.0.0/16",  # private use
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, and broadcast
    # Azure's own services of a virtual machine, at a public address:
    # https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
    "168.63.129.16/32",
)

#: The only IPv6 block with public addresses (RFC 4291, section 2.4).
_IPV6_PUBLIC = IPv6Network("2000::/3")

#: Blocks in it that are not public, of
#: https://www.iana.org/assignments/iana-ipv6-special-registry (of 2025-10-09, read 2026-11-30).
_IPV6 = (
    "2001::/23",  # protocol assignments, such as Teredo, benchmarks and ORCHID
    "2001:db8::/32",  # documentation
    "3fff::/20",  # documentation
)

#: IPv6 blocks whose addresses contain an IPv4 address, and the bits that follow it.
_EMBEDDING = (
    ("::ffff:0:0/96", 0),  # IPv4-mapped
    ("64:ff9b::/96", 0),  # NAT64, by which IPv6-only networks reach IPv4
    ("2002::/16", 80),  # 6to4
)

_BLOCKS4 = tuple(map(IPv4Network, _IPV4))
_BLOCKS6 = tuple(map(IPv6Network, _IPV6))
_EMBEDS = tuple((IPv6Network(block), after) for block, after in _EMBEDDING)


def is_public(address: str) -> bool:
    """Return True for a public address, and for an IPv6 address that contains a public IPv4 one.

    Raises ``ValueError`` for a name.
    """
    found = _embedded(ip_address(address.partition("%")[0]))
    if isinstance(found, IPv4Address):
        return not any(found in block for block in _BLOCKS4)
    return found in _IPV6_PUBLIC and not any(found in block for block in _BLOCKS6)


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    for block, after in _EMBEDS:
        if address in block:
            return IPv4Address(int(address) >> after & 0xFFFF_FFFF)
    return address
