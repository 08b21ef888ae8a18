"""Allowed host names, and parsing of Host and Origin headers.

Hosts are checked on loopback addresses too: a foreign page can point its own name here (DNS
rebinding) and can post here unasked. Its name reveals it in both cases.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

from pathviewer.auth import user_messages
from pathviewer.auth.errors import AccessError

if TYPE_CHECKING:
    from pathviewer.settings import Settings

LONGEST_HOST = 300
"""Most bytes of a Host header; names have up to 253 letters."""

_HOST = re.compile(
    r"(?P<name>[a-z0-9_][a-z0-9._-]{0,252}|\[[0-9a-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?"
)
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_ANY_ADDRESS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  recognised, not bound


_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Origin:
    """Origin of a page, from its browser."""

    scheme: str
    """`http` or `https`."""

    name: str
    """Host name in the form of `parse_host`."""

    port: int
    """Port; the scheme's default if not given."""


def parse_host(value: bytes) -> str | None:
    """Return the name in a Host header, lower case, without port, brackets and final dot.

    None if the value is malformed.
    """
    parsed = parse_authority(value)
    return parsed[0] if parsed else None


def parse_authority(value: bytes) -> tuple[str, int | None] | None:
    """Return the name as `parse_host` does, and the port or None; None if malformed."""
    return _parse_authority(value) if len(value) <= LONGEST_HOST else None


@lru_cache(maxsize=1024)
def _parse_authority(value: bytes) -> tuple[str, int | None] | None:
    match = _HOST.fullmatch(value.decode("latin-1").lower())
    if match is None:
        return None
    name = match["name"].removesuffix(".")
    if name.startswith("["):
        try:
            name = str(ip_address(name[1:-1]))
        except ValueError:
            return None
    return name, int(match["port"]) if match["port"] else None


def parse_origin(value: bytes) -> Origin | None:
    """Parse an Origin header; None if it is `null`, malformed or not http(s)."""
    start, separator, host = value.partition(b"://")
    scheme = start.decode("latin-1").lower()
    parsed = parse_authority(host)
    if not separator or scheme not in _PORTS or parsed is None:
        return None
    name, port = parsed
    return Origin(scheme, name, _PORTS[scheme] if port is None else port)


def is_own_page(origin: Origin, host: bytes, *, secure: bool) -> bool:
    """Return whether a page belongs to the server that its browser calls `host` (a Host header).

    `secure`: the browser's connection is known to use TLS. If that is unknown, a host without a
    port matches either scheme's port: a proxy that ends TLS may not report it.
    """
    if secure and origin.scheme != "https":
        return False
    parsed = parse_authority(host)
    if parsed is None:
        return False
    name, port = parsed
    return (origin.name, origin.port) == (name, _PORTS[origin.scheme] if port is None else port)


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    """Return whether a name or address is reachable from this machine only."""
    if host in _LOOPBACK_NAMES:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=256)
def names_this_machine(host: bytes) -> bool:
    """Return whether a Host header's name is reachable from this machine only."""
    return is_loopback(parse_host(host) or "")


def allowed_names(settings: Settings) -> frozenset[str]:
    """Return the host names that browsers may use; raises `AccessError` for an invalid one."""
    hosts = list(settings.allowed_hosts)
    if settings.host not in _ANY_ADDRESS:
        hosts.append(f"[{settings.host}]" if ":" in settings.host else settings.host)
    if settings.public_demo and settings.space_host:
        hosts.append(settings.space_host)
    names = {name: parse_host(name.encode("latin-1", "replace")) for name in hosts}
    for name, parsed in names.items():
        if parsed is None:
            raise AccessError(user_messages.host_name_malformed(name))
    return _LOOPBACK_NAMES | {parsed for parsed in names.values() if parsed}


def allowed_pages(settings: Settings) -> frozenset[tuple[str, int]]:
    """Return the (name, port) of `allowed_hosts` with a port: addresses of our own pages.

    They serve proxies that forward another host or port than the browser used. A Space is known by
    its name, over TLS.
    """
    hosts = [parse_authority(name.encode("latin-1", "replace")) for name in settings.allowed_hosts]
    pages = {(name, port) for name, port in filter(None, hosts) if port is not None}
    if settings.public_demo and settings.space_host:
        pages.add((settings.space_host.lower(), 443))
    return frozenset(pages)
