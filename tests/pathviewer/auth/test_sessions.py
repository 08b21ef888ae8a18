"""Sessions that end, the cookies that carry them, and bearer tokens."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from pathviewer.auth.access import session_token
from pathviewer.auth.credentials import new_token, token_hash
from storage.accounts.sessions import add_session, add_token, find_session, revoke_token
from storage.accounts.store import set_disabled
from storage.tables import now
from tests.database_trouble import READ_ONLY, database_trouble
from tests.pathviewer.auth.small_site import PAGE, Site, site


def test_logout_ends_the_session_itself_not_only_the_cookie(closed: Site) -> None:
    closed.log_in()
    token = closed.client.cookies["pathviewer_session"]
    assert closed.who() == "ada"
    answer = closed.client.post("/logout", headers=PAGE, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "pathviewer_session" not in closed.client.cookies
    assert closed.who(cookie=f"pathviewer_session={token}") == 401
    assert [entry.action for entry in closed.audit()] == ["login", "logout"]


def test_a_foreign_page_cannot_log_anybody_out(closed: Site) -> None:
    closed.log_in()
    assert closed.client.post("/logout", headers={"origin": "null"}).status_code == 403
    assert closed.who() == "ada"


def test_a_session_ends_by_itself(closed: Site) -> None:
    account = closed.add("bob")
    token = new_token()
    with closed.database.session() as session:
        add_session(
            session,
            token_hash=token_hash(token),
            account_id=account.id,
            expires_at=now() + timedelta(milliseconds=150),
        )
    cookie = f"a=b; pathviewer_session={token}; c=d"
    assert closed.who(cookie=cookie) == "bob"
    time.sleep(0.2)
    assert closed.who(cookie=cookie) == 401  # the memory of it is no longer than the session


def test_disabling_an_account_shuts_its_sessions_out(closed: Site) -> None:
    closed.log_in()
    assert closed.who() == "ada"
    with closed.database.session() as session:
        row = session.execute(text("SELECT id FROM accounts WHERE name = 'ada'")).scalar_one()
        set_disabled(session, row, True)
    closed.access.forget()
    assert closed.who() == 401


@given(st.binary())
def test_any_cookie_is_read_or_ignored(cookie: bytes) -> None:
    assert session_token(cookie) is None


@given(
    st.from_regex(rb"[a-z]{1,8}=[^;\x00-\x20]{0,8}", fullmatch=True), st.sampled_from([b";", b"; "])
)
def test_the_session_is_found_among_other_cookies(other: bytes, glue: bytes) -> None:
    token = new_token()
    ours = f"pathviewer_session={token}".encode()
    for cookie in (ours, other + glue + ours, ours + glue + other):
        assert session_token(cookie) == token


@pytest.mark.parametrize(
    "cookie",
    [
        b"xpathviewer_session=" + b"a" * 43,
        b"a=pathviewer_session=" + b"a" * 43,
        b"pathviewer_session=" + b"a" * 42,
        b"pathviewer_session=" + b"a" * 44,
        b"pathviewer_session=" + b"a" * 42 + b"'",
        b'pathviewer_session="' + b"a" * 43 + b'"',
    ],
)
def test_what_only_looks_like_the_session_is_none(cookie: bytes) -> None:
    assert session_token(cookie) is None


def test_a_bearer_token_works_until_it_is_revoked_and_needs_no_origin(closed: Site) -> None:
    token = new_token()
    account = closed.add("script", "researcher")
    with closed.database.session() as session:
        stored = add_token(
            session,
            token_hash=token_hash(token),
            account_id=account.id,
            label="nightly",
            expires_at=None,
        )
    headers = {"authorization": f"Bearer {token}"}
    for _ in range(2):
        assert closed.who(**headers) == "script"
    assert closed.client.post("/who", headers=headers).status_code == 200
    foreign = {**headers, "origin": "https://evil.example"}
    assert closed.client.post("/who", headers=foreign).status_code == 403
    with closed.database.session() as session:
        revoke_token(session, stored.id)
    closed.access.forget()
    assert closed.who(**headers) == 401


@pytest.mark.parametrize(
    "value", ["Bearer ", "Bearer x", "bearer " + "a" * 43, "Bearer " + "é" * 43]
)
def test_a_token_that_is_none_is_refused_even_beside_a_session(closed: Site, value: str) -> None:
    closed.log_in()
    answer = closed.client.get("/who", headers=[(b"authorization", value.encode("latin-1"))])
    assert answer.status_code == 401
    assert closed.who(authorization="Basic YTpi") == "ada"


def test_cookies_are_secure_behind_tls(tmp_path: Path) -> None:
    with site(tmp_path, base_url="https://localhost", cookie_samesite="none") as running:
        running.add()
        cookie = running.log_in().headers["set-cookie"].lower()
        assert "secure" in cookie
        assert "samesite=none" in cookie
        assert cookie.endswith("; partitioned")
        assert running.who() == "ada"
        left = running.client.post("/logout", headers={"Origin": "https://localhost"})
        dropped = (left.history[0] if left.history else left).headers["set-cookie"].lower()
        assert {"max-age=0", "secure", "partitioned"} <= set(dropped.split("; "))


def test_samesite_none_without_tls_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with site(tmp_path, cookie_samesite="none") as running:
        running.add()
        answer = running.log_in()
    assert answer.status_code == 400
    assert "works over TLS only" in answer.text


def test_under_a_sub_path_everything_stays_below_it(tmp_path: Path) -> None:
    with site(tmp_path, root_path="/viewer") as running:
        running.add()
        page = running.client.get("/login").text
        answer = running.log_in(next="/?slide=1")
    assert 'action="/viewer/login"' in page
    assert 'href="/viewer/login.css"' in page
    assert answer.headers["location"] == "/viewer/?slide=1"
    assert "path=/viewer" in answer.headers["set-cookie"].lower()


def test_a_logout_holds_while_the_database_may_not_be_written_to(closed: Site) -> None:
    closed.log_in()
    token = closed.client.cookies["pathviewer_session"]
    with database_trouble() as trouble:
        trouble.pragma = READ_ONLY[0]
        answer = closed.client.post("/logout", headers=PAGE, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        assert "pathviewer_session" not in closed.client.cookies
        assert closed.who(cookie=f"pathviewer_session={token}") == 401
        trouble.pragma = READ_ONLY[1]
        assert closed.log_in().status_code == 303
    assert [entry.action for entry in closed.audit()] == ["login", "login", "logout"]
    with closed.database.read_only() as session:
        assert find_session(session, token_hash(token)) is None
