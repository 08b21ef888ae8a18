"""Which host names count, and that no header can upset the reading of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathviewer.auth.errors import AccessError
from pathviewer.auth.hosts import (
    Origin,
    allowed_names,
    allowed_pages,
    is_loopback,
    is_own_page,
    parse_host,
    parse_origin,
)
from pathviewer.settings import Settings
from tests.pathviewer.auth.small_site import space_settings


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b"localhost", "localhost"),
        (b"LOCALHOST:7860", "localhost"),
        (b"viewer.example.", "viewer.example"),  # the root's dot
        (b"[::1]:7860", "::1"),
        (b"[0:0:0:0:0:0:0:1]", "::1"),  # the same address written out
        (b"a_b.example", "a_b.example"),
        (b"", None),
        (b"a b", None),
        (b"localhost:", None),
        (b"localhost:port", None),
        (b"localhost:123456", None),
        (b"user@localhost", None),  # names somebody else
        (b"localhost/evil", None),
        (b"localhost#evil", None),
        (b"localhost,evil", None),
        (b"localhost\x00", None),
        (b"localhost\n", None),
        (b"[::1", None),
        (b"[:::]", None),
        (b"::1", None),  # brackets are needed in a Host header
        (b"\xff\xfe", None),
        (b"a" * 300, None),
    ],
)
def test_a_host_header_is_read_strictly(value: bytes, name: str | None) -> None:
    assert parse_host(value) == name


@pytest.mark.parametrize(
    ("value", "origin"),
    [
        (b"http://localhost:7860", Origin("http", "localhost", 7860)),
        (b"HTTPS://Viewer.Example", Origin("https", "viewer.example", 443)),
        (b"http://[::1]", Origin("http", "::1", 80)),
        (b"null", None),  # a sandboxed frame or a file
        (b"file://localhost", None),
        (b"https://", None),
        (b"https://localhost/path", None),
        (b"localhost", None),
        (b"https://evil.example@localhost", None),
        (b"chrome-extension://localhost", None),
    ],
)
def test_an_origin_header_is_read_strictly(value: bytes, origin: Origin | None) -> None:
    assert parse_origin(value) == origin


@pytest.mark.parametrize(
    ("origin", "host", "secure", "own"),
    [
        (b"http://localhost:7860", b"localhost:7860", False, True),
        (b"http://localhost:1", b"localhost:7860", False, False),  # another program here
        (b"http://localhost", b"localhost:7860", False, False),
        (b"http://localhost:7860", b"127.0.0.1:7860", False, False),
        (b"http://viewer.example", b"viewer.example", False, True),
        (b"http://viewer.example", b"viewer.example:80", False, True),
        (b"https://viewer.example", b"viewer.example", True, True),
        (b"https://viewer.example", b"viewer.example:443", True, True),
        (b"https://viewer.example:8443", b"viewer.example:8443", True, True),
        (b"https://viewer.example:8443", b"viewer.example", True, False),
        (b"http://viewer.example", b"viewer.example", True, False),  # a page that anybody altered
        (b"https://viewer.example", b"viewer.example", False, True),  # TLS that no proxy told of
        (b"https://viewer.example", b"viewer.example:80", False, False),
        (b"http://[::1]:7860", b"[0:0:0:0:0:0:0:1]:7860", False, True),
        (b"http://localhost", b"a b", False, False),
    ],
)
def test_a_page_is_ours_if_name_and_port_are(
    origin: bytes, host: bytes, secure: bool, own: bool
) -> None:
    parsed = parse_origin(origin)
    assert parsed is not None
    assert is_own_page(parsed, host, secure=secure) is own


def test_a_name_allowed_with_its_port_is_a_page_of_ours() -> None:
    hosts = ("viewer.example:8443", "other.example", "[::1]:9")
    assert allowed_pages(Settings(allowed_hosts=hosts)) == {("viewer.example", 8443), ("::1", 9)}
    demo = space_settings("Me-x.hf.space", public_demo=True)
    assert allowed_pages(demo) == {("me-x.hf.space", 443)}


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_never_an_error(value: bytes) -> None:
    origin = parse_origin(value)
    for name in (parse_host(value), origin.name if origin else None):
        assert name is None or (name == name.lower() and name and not set(name) & set("/@ #?,\\"))


@given(st.ip_addresses())
def test_an_address_is_read_back_whatever_its_form(address: object) -> None:
    text = str(address)
    assert parse_host(f"[{text}]:80".encode() if ":" in text else text.encode()) == text


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("10.0.0.7", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("", False),
    ],
)
def test_what_is_loopback(host: str, answer: bool) -> None:
    assert is_loopback(host) is answer


def test_names_come_from_the_settings_that_allow_them() -> None:
    settings = space_settings(
        "me-x.hf.space",
        host="10.0.0.7",
        allowed_hosts=("Viewer.Example:443",),
        public_demo=False,
    )
    names = {"localhost", "127.0.0.1", "::1", "10.0.0.7", "viewer.example"}
    assert allowed_names(settings) == names
    demo = settings.model_copy(update={"public_demo": True})
    assert allowed_names(demo) == names | {"me-x.hf.space"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_any_address_is_no_name(host: str) -> None:
    assert allowed_names(Settings(host=host)) == {"localhost", "127.0.0.1", "::1"}


@pytest.mark.parametrize("name", ["*", "https://viewer.example", "a b", "ü.example"])
def test_a_setting_that_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(AccessError, match="PATHVIEWER_ALLOWED_HOSTS"):
        allowed_names(Settings(allowed_hosts=(name,)))
