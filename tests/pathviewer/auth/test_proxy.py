"""Headers of reverse proxies: believed from the named addresses, from nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathviewer.auth.errors import AccessError
from pathviewer.auth.proxy import TrustedProxies
from pathviewer.settings import Settings
from tests.pathviewer.auth.small_site import PAGE, Site, site, space_settings

PROXY = "10.0.0.7"
TRUST: dict[str, Any] = {
    "trusted_proxies": ("10.0.0.0/29", "::1"),
    "allowed_hosts": ("viewer.example",),
}
USERS: dict[str, Any] = {**TRUST, "proxy_user_header": "X-Remote-User"}


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[Site]:
    """A site that believes users named by the proxy, asked by the proxy."""
    with site(tmp_path, client_address=PROXY, **USERS) as running:
        yield running


def named(user: str) -> dict[str, str]:
    return {"x-remote-user": user}


def test_a_new_user_gets_an_account_with_the_stated_role_once(behind: Site) -> None:
    for _ in range(2):
        assert behind.client.get("/who", headers=named("Ada")).json()["role"] == "viewer"
    behind.access.forget()
    assert behind.who(**named("ada")) == "ada"
    assert [(entry.action, entry.detail) for entry in behind.audit()] == [
        ("account_added", {"by": "proxy"})
    ]


def test_an_existing_account_keeps_its_role(behind: Site) -> None:
    behind.add("ada", "researcher")
    assert behind.client.get("/who", headers=named("ada")).json()["role"] == "researcher"


@pytest.mark.parametrize("user", ["", "local", "visitor", "a b", "ada,admin", "é"])
def test_names_that_cannot_be_accounts_are_nobody(behind: Site, user: str) -> None:
    answer = behind.client.get("/who", headers=[(b"x-remote-user", user.encode("latin-1"))])
    assert answer.status_code == 401


def test_two_users_in_one_request_are_nobody(behind: Site) -> None:
    headers = [("x-remote-user", "admin"), ("x-remote-user", "ada")]
    assert behind.client.get("/who", headers=headers).status_code == 401


def test_a_disabled_account_stays_out(behind: Site) -> None:
    behind.add()
    with behind.database.session() as session:
        session.connection().exec_driver_sql("UPDATE accounts SET disabled = 1 WHERE name='ada'")
    assert behind.who(**named("ada")) == 401


def test_a_named_user_still_needs_an_own_page_to_change_anything(behind: Site) -> None:
    assert behind.client.post("/who", headers=named("ada")).status_code == 403
    assert behind.client.post("/who", headers={**named("ada"), **PAGE}).status_code == 200


@pytest.mark.parametrize("address", ["10.0.0.9", "127.0.0.1", "192.168.0.1", "unix", ""])
def test_the_header_of_anybody_else_is_ignored(tmp_path: Path, address: str) -> None:
    with site(tmp_path, client_address=address, **USERS) as running:
        running.add()
        assert running.who(**named("ada")) == 401
        running.log_in()
        assert running.who() == "ada"
        seen = running.client.get("/headers", headers={**named("admin"), "x-forwarded-proto": "x"})
        assert not {"x-remote-user", "x-forwarded-proto"} & seen.json().keys()


def test_a_demo_names_nobody(tmp_path: Path) -> None:
    with site(tmp_path, client_address=PROXY, public_demo=True, **USERS) as running:
        assert running.who(**named("ada")) == "visitor"


def test_without_the_setting_the_header_means_nothing(tmp_path: Path) -> None:
    with site(tmp_path, client_address=PROXY, **TRUST) as running:
        running.add()
        assert running.who(**named("ada")) == 401


def test_the_proxys_word_on_tls_makes_cookies_secure(tmp_path: Path) -> None:
    for address, secure in ((PROXY, True), ("10.0.0.9", False)):
        data = tmp_path / address
        with site(data, base_url="http://viewer.example", client_address=address, **TRUST) as ward:
            ward.add()
            ward.client.headers["x-forwarded-proto"] = "https"
            ward.client.headers["origin"] = "https://viewer.example"
            cookie = ward.log_in().headers["set-cookie"]
            assert ("; secure" in cookie.lower()) is secure
            ward.client.headers["cookie"] = cookie.split(";")[0]
            url = ward.client.get("/who").json()["url"]
            assert url.startswith("https:") is secure


def test_the_proxys_host_counts_instead_of_its_own(tmp_path: Path) -> None:
    with site(tmp_path, client_address=PROXY, **TRUST) as running:
        given_host = {"x-forwarded-host": "viewer.example"}
        assert running.client.get("/api/health", headers=given_host).status_code == 200
        evil = {"x-forwarded-host": "evil.example"}
        assert running.client.get("/api/health", headers=evil).status_code == 400
    with site(tmp_path, client_address="10.0.0.9", **TRUST) as running:
        assert running.client.get("/api/health", headers=evil).status_code == 200  # ignored


def visit_of(peer: str, headers: dict[bytes, bytes]) -> tuple[str, bytes, bool]:
    proxies = TrustedProxies(Settings(**TRUST))
    visit = proxies.visit({"client": (peer, 1), "scheme": "http"}, headers)
    return visit.address, visit.host, visit.secure


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        (PROXY, b"192.0.2.1", "192.0.2.1"),
        (PROXY, b"6.6.6.6, 192.0.2.1", "192.0.2.1"),  # the first one anybody can write
        (PROXY, b"192.0.2.1, 10.0.0.6", "192.0.2.1"),  # two proxies in a row
        (PROXY, b"", PROXY),
        ("::ffff:10.0.0.7", b"192.0.2.1", "192.0.2.1"),
        ("192.0.2.9", b"192.0.2.1", "192.0.2.9"),
    ],
)
def test_the_browsers_address_is_the_last_that_no_proxy_has(
    peer: str, forwarded: bytes, address: str
) -> None:
    assert visit_of(peer, {b"x-forwarded-for": forwarded})[0] == address


def test_of_repeated_values_the_nearest_proxys_counts() -> None:
    headers = {
        b"x-forwarded-host": b"evil.example, b.example",
        b"x-forwarded-proto": b"http, https",
    }
    assert visit_of(PROXY, headers) == (PROXY, b"b.example", True)


@given(
    st.dictionaries(
        st.sampled_from([b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"host"]),
        st.binary(max_size=60),
    ),
    st.sampled_from([PROXY, "192.0.2.9", "", "odd"]),
)
def test_any_forwarding_header_is_read_or_ignored(headers: dict[bytes, bytes], peer: str) -> None:
    address, host, _ = visit_of(peer, headers)
    if peer != PROXY:
        assert (address, host) == (peer, headers.get(b"host", b""))


@pytest.mark.parametrize("text", ["proxy", "10.0.0.7/64", "", "10.0.0"])
def test_an_address_that_is_none_stops_the_start(text: str) -> None:
    with pytest.raises(AccessError, match="PATHVIEWER_TRUSTED_PROXIES"):
        TrustedProxies(Settings(trusted_proxies=(text,)))


def test_a_space_believes_the_platforms_own_proxy() -> None:
    proxies = TrustedProxies(space_settings("me-x.hf.space", public_demo=True))
    scope = {"client": ("10.16.3.4", 1), "scheme": "http"}
    assert proxies.visit(scope, {b"x-forwarded-proto": b"https"}).secure


@pytest.mark.parametrize(
    ("hops", "address"),
    [
        ("93.184.216.34", "93.184.216.34"),
        ("93.184.216.1, 93.184.216.34, 10.1.2.3", "93.184.216.34"),  # the Space's own hops
        ("93.184.216.34, fd00::1", "93.184.216.34"),
        ("10.1.2.3", "10.0.0.1"),  # nobody outside is named
        ("nonsense, 10.1.2.3", "nonsense"),
    ],
)
def test_the_browser_behind_the_inner_addresses_of_a_space(hops: str, address: str) -> None:
    space = space_settings("group-viewer.hf.space", public_demo=True)
    proxies = TrustedProxies(space)
    scope = {"client": ("10.0.0.1", 1), "scheme": "http"}
    assert proxies.visit(scope, {b"x-forwarded-for": hops.encode()}).address == address
