"""Which addresses count as one client."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

IPV6_PREFIX = 64
"""Bits of an IPv6 address that a provider gives to one customer, who is free in the other 64."""


@lru_cache(maxsize=4096)
def client_group(address: str) -> str:
    """The client that an address belongs to: itself, or the /64 network of an IPv6 address.

    What is no address, as of a Unix socket, stands for itself.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, IPV6_PREFIX), strict=False))
