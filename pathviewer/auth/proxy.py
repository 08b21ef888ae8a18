"""Properties of a request's browser, seen directly or through a trusted reverse proxy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from pathviewer.auth import user_messages
from pathviewer.auth.errors import AccessError
from pathviewer.auth.hosts import is_loopback
from pathviewer.auth.visitors import visitor_name

if TYPE_CHECKING:
    from pathviewer.settings import Settings

FORWARDING_HEADERS = frozenset(
    {
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-prefix",
        b"x-forwarded-proto",
        b"x-real-ip",
    }
)
"""Headers about another sender; removed unless a trusted proxy sent them."""

REMEMBERED_ADDRESSES = 1024
LONGEST_HOP = 64
"""Most letters of an address; longer values are cut."""


@dataclass(frozen=True)
class Visit:
    """One request as its browser made it."""

    headers: Mapping[bytes, bytes]
    """Lower-case names; without forwarding headers unless a trusted proxy sent them."""

    host: bytes
    """Host that the browser addressed; empty if not sent."""

    secure: bool
    """Whether the browser's own connection uses TLS."""

    address: str
    """The browser's address; empty if unknown."""

    user: str
    """User that a trusted proxy has logged in; empty if none."""

    at_this_machine: bool
    """Whether no header says that the request was forwarded for another machine."""

    visitor: bytes = b""
    """Visitor name sent by a public demo's page; empty if none."""


class TrustedProxies:
    """Reverse proxies with trusted headers; raises `AccessError` for a bad address."""

    def __init__(self, settings: Settings) -> None:
        self._networks = tuple(_network(text) for text in settings.trusted_proxies)
        # a Space's container is reachable only through its own proxy
        self._trust_all = bool(settings.public_demo and settings.space_host)
        self._user_header = settings.proxy_user_header.strip().lower().encode("latin-1")
        if settings.public_demo or not self._networks:
            self._user_header = b""
        self.watched_headers = FORWARDING_HEADERS | (
            {self._user_header} if self._user_header else set()
        )
        self._proxy_cache: dict[str, bool] = {}

    def trusts(self, peer: str) -> bool:
        """Return whether an address is a trusted proxy's."""
        return self._trust_all or self._is_proxy(peer)

    def _is_proxy(self, address: str) -> bool:
        is_proxy = self._proxy_cache.get(address)
        if is_proxy is None:
            if len(self._proxy_cache) >= REMEMBERED_ADDRESSES:
                self._proxy_cache.clear()
            is_proxy = self._proxy_cache[address] = self._inside(address)
        return is_proxy

    def _inside(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:  # a Unix socket has no address
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)

    def visit(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Visit:
        """Return the trusted properties of a request with these (merged) headers."""
        client = scope.get("client")
        peer = str(client[0]) if client else ""
        local = _at_this_machine(headers)
        secure = scope.get("scheme") in {"https", "wss"}
        guest = visitor_name(headers, scope.get("query_string", b""))
        if not self.trusts(peer):
            trusted_headers = {
                name: headers[name] for name in headers if name not in self.watched_headers
            }
            return Visit(trusted_headers, headers.get(b"host", b""), secure, peer, "", local, guest)
        proto = _last(headers.get(b"x-forwarded-proto", b""))
        return Visit(
            headers=headers,
            host=_last(headers.get(b"x-forwarded-host", b"")) or headers.get(b"host", b""),
            secure=proto.lower() in {b"https", b"wss"} if proto else secure,
            address=self._browser(headers, peer),
            user=headers.get(self._user_header, b"").decode("latin-1") if self._user_header else "",
            at_this_machine=local,
            visitor=guest,
        )

    def _browser(self, headers: Mapping[bytes, bytes], peer: str) -> str:
        """Return the last hop that is no trusted proxy; clients can forge earlier hops."""
        hops = _hops(headers)
        return next((hop for hop in reversed(hops) if not self._passes_on(hop)), peer)

    def _passes_on(self, hop: str) -> bool:
        """Return whether a hop is a proxy; all private addresses of a Space are."""
        return self._is_proxy(hop) or (self._trust_all and _is_inner(hop))


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise AccessError(user_messages.proxy_malformed(text)) from error


def _is_inner(hop: str) -> bool:
    """Return whether an address is private."""
    try:
        return ip_address(hop).is_private
    except ValueError:
        return False


def _hops(headers: Mapping[bytes, bytes]) -> list[str]:
    header = headers.get(b"x-forwarded-for", b"").decode("latin-1")
    return [hop.strip()[:LONGEST_HOP] for hop in header.split(",") if hop.strip()]


def _at_this_machine(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether all hops are loopback. Any sender may set them: they only reduce rights."""
    real = headers.get(b"x-real-ip", b"").decode("latin-1").strip()
    hops = [*_hops(headers), *([real] if real else [])]
    return b"forwarded" not in headers and all(is_loopback(hop) for hop in hops)


def _last(value: bytes) -> bytes:
    """Return the last of several values, written by the nearest proxy."""
    return value.rpartition(b",")[2].strip()
