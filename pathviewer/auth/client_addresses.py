"""Grouping of addresses into clients."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

IPV6_PREFIX = 64
"""Network bits of an IPv6 address; a provider's customer chooses the other 64 freely."""


@lru_cache(maxsize=4096)
def client_group(address: str) -> str:
    """Return the client of an address: itself, or the /64 network of an IPv6 address.

    A value that is no IP address, such as a Unix socket's, is returned unchanged.
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
