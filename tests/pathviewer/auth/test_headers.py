"""Security headers of every answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.pathviewer.auth.small_site import Site, site


def test_every_answer_carries_the_security_headers(closed: Site) -> None:
    for path, headers in (("/", {}), ("/login", {}), ("/", {"host": "evil.example"})):
        answer = closed.client.get(path, headers=headers)
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"
        assert answer.headers["cache-control"] == "no-store"


def test_tiles_carry_few_and_keep_their_own(local: Site) -> None:
    for _ in range(2):
        headers = local.client.get("/tile").headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "private"
        assert "content-security-policy" not in headers


def test_the_framing_sites_and_the_issuer_are_settings(tmp_path: Path) -> None:
    with site(
        tmp_path,
        frame_ancestors="https://portal.example",
        oidc_issuer="https://login.example/realm",
        oidc_client_id="x",
    ) as running:
        headers = running.client.get("/login").headers
    assert "frame-ancestors https://portal.example" in headers["content-security-policy"]
    assert "form-action 'self' https://login.example" in headers["content-security-policy"]
    assert "x-frame-options" not in headers


@pytest.mark.parametrize(
    ("base_url", "settings", "sent"),
    [
        ("https://viewer.example", {}, True),
        ("http://viewer.example", {}, False),
        ("https://viewer.example", {"secure_cookies": "never"}, False),
        ("https://localhost", {}, False),  # other programs of this machine have that name too
    ],
)
def test_a_browser_under_tls_is_told_to_stay_there(
    tmp_path: Path, base_url: str, settings: dict[str, Any], sent: bool
) -> None:
    hosts = ("viewer.example",)
    with site(tmp_path, base_url=base_url, allowed_hosts=hosts, **settings) as running:
        running.add()
        for path in ("/", "/login"):
            given = running.client.get(path).headers.get("strict-transport-security")
            assert given == ("max-age=31536000" if sent else None)
