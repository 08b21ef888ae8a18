"""The login form, wrong passwords, and guessing slowed down."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from starlette.types import Message

from pathviewer.auth.credentials import needs_rehash, token_hash
from pathviewer.auth.hash_queue import HashQueue, TooManyLogins
from pathviewer.auth.public_pages import safe_path
from pathviewer.auth.throttle import Throttle
from storage.accounts.store import set_disabled
from tests.pathviewer.auth.small_site import PAGE, PASSWORD, Site, site


def test_the_form_works_without_script_and_says_what_this_is_not(closed: Site) -> None:
    page = closed.client.get("/login?next=/%3Fslide%3D1")
    assert page.status_code == 200
    for text_of_page in ('<label for="name">', '<label for="password">', "Not for diagnosis"):
        assert text_of_page in page.text
    assert "<script" not in page.text
    assert 'value="/?slide=1"' in page.text
    assert closed.client.get("/login.css").headers["content-type"].startswith("text/css")


def test_the_right_password_opens_a_session_in_a_guarded_cookie(closed: Site) -> None:
    answer = closed.log_in(next="/?slide=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?slide=1")
    cookie = answer.headers["set-cookie"].lower()
    for part in ("httponly", "samesite=lax", "path=/", "max-age=43200"):
        assert part in cookie
    assert "secure" not in cookie
    for _ in range(2):
        assert closed.who() == "ada"
    assert closed.client.get("/login", follow_redirects=False).status_code == 303
    assert [(entry.action, entry.subject) for entry in closed.audit()] == [("login", "ada")]


def test_only_the_hash_of_a_token_is_stored(closed: Site, tmp_path: Path) -> None:
    closed.log_in()
    token = closed.client.cookies["pathviewer_session"]
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert token.encode() not in stored
    assert token_hash(token).encode() in stored


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ada", "wrong password"),
        ("ada", ""),
        ("ada", "x" * 5000),
        ("nobody", PASSWORD),
        ("local", ""),  # the built-in account has no password
        ("local", PASSWORD),
        ("", PASSWORD),
        ("ada\x00", PASSWORD),
        ("<script>", PASSWORD),
    ],
)
def test_a_wrong_name_or_password_says_which_to_nobody(
    closed: Site, name: str, password: str
) -> None:
    answer = closed.log_in(name, password)
    assert answer.status_code == 401
    assert "The name or the password is wrong." in answer.text
    assert "<script>" not in answer.text
    assert "set-cookie" not in answer.headers
    (entry,) = closed.audit()
    assert entry.action == "login_failed"
    assert entry.subject in {"ada", "local", "unknown name"}


def test_names_are_the_same_in_capitals_and_with_blanks(closed: Site) -> None:
    assert closed.log_in(" ADA ").status_code == 303


def test_an_account_without_password_or_disabled_cannot_log_in(closed: Site) -> None:
    bob = closed.add("bob")
    with closed.database.session() as session:
        set_disabled(session, bob.id, True)
        session.execute(text("UPDATE accounts SET password_hash = NULL WHERE name = 'ada'"))
    assert closed.log_in("bob").status_code == 401
    assert closed.log_in("ada").status_code == 401


def test_guessing_a_name_is_slowed_down_even_with_the_right_password(closed: Site) -> None:
    for _ in range(5):
        assert closed.log_in(password="wrong").status_code == 401
    answer = closed.log_in()
    assert answer.status_code == 429
    assert 290 <= int(answer.headers["retry-after"]) <= 300
    assert f"Wait {answer.headers['retry-after']} seconds" in answer.text


def test_guessing_many_names_from_one_address_is_slowed_down(closed: Site) -> None:
    for number in range(5):
        assert closed.log_in(f"name{number}").status_code == 401
    assert closed.log_in().status_code == 429


def test_a_success_forgets_the_names_failures(closed: Site) -> None:
    for _ in range(2):
        closed.log_in(password="wrong")
        assert closed.log_in().status_code == 303


def test_the_throttle_forgets_with_time_and_is_bounded() -> None:
    clock = [0.0]
    throttle = Throttle(2, 10, clock=lambda: clock[0])
    throttle.count_attempt(["a"])
    clock[0] = 4
    throttle.count_attempt(["a"])
    assert throttle.seconds_to_wait(["a", "b"]) == 6
    clock[0] = 10
    assert throttle.seconds_to_wait(["a"]) == 0
    for number in range(20_000):
        throttle.count_attempt([str(number)])
    assert len(throttle._failures) == 10_000


def test_a_form_too_long_is_not_read(closed: Site) -> None:
    assert closed.log_in(password="x" * 20_000).status_code == 413


def test_a_form_that_is_none_is_a_failed_login(closed: Site) -> None:
    answer = closed.client.post("/login", content=b"&".join([b"a=1"] * 50), headers=PAGE)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/", True),
        ("/?slide=1&x=2#y", True),
        ("/api/slides", True),
        ("", False),
        ("//evil.example", False),
        ("///evil.example", False),
        ("https://evil.example", False),
        ("javascript:alert(1)", False),
        ("\\\\evil.example", False),
        ("/\\evil.example", False),
        ("/\t/evil.example", False),
        ("/\n/evil.example", False),
        ("evil.example", False),
        ("/" + "x" * 3000, False),
    ],
)
def test_a_login_never_leads_elsewhere(closed: Site, path: str, kept: bool) -> None:
    assert safe_path(path) == (path if kept else "/")
    assert closed.log_in(next=path).headers["location"] == (path if kept else "/")


@given(st.text())
def test_any_text_leads_to_a_path_of_this_server(path: str) -> None:
    safe = safe_path(path)
    assert safe[0] == "/"
    assert safe[1:2] not in {"/", "\\"}


def test_a_weaker_hash_is_renewed_at_login(closed: Site) -> None:
    from argon2 import PasswordHasher

    weak = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash(PASSWORD)
    with closed.database.session() as session:
        session.execute(
            text("UPDATE accounts SET password_hash = :h WHERE name='ada'"), {"h": weak}
        )
    assert closed.log_in().status_code == 303
    with closed.database.read_only() as session:
        kept = session.execute(text("SELECT password_hash FROM accounts WHERE name='ada'"))
        renewed = kept.scalar_one()
    assert renewed != weak
    assert not needs_rehash(renewed)


def test_a_form_that_breaks_off_counts_as_no_attempt(closed: Site) -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b"name=ada&pass", "more_body": True},
        {"type": "http.disconnect"},
    ]
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/login",
        "raw_path": b"/login",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"origin", b"http://localhost")],
        "client": ("127.0.0.1", 1),
    }

    async def receive() -> Message:
        return messages.pop(0)

    async def send(_: Message) -> None:
        pass

    anyio.run(closed.app, scope, receive, send)
    assert closed.audit() == []


def test_addresses_of_one_network_are_one_to_the_throttle(tmp_path: Path) -> None:
    with site(tmp_path, client_address="2001:db8::1", allowed_hosts=("x",)) as running:
        running.add()
        for number in range(5):
            running.client._transport.client = (f"2001:db8::{number + 1}", 50_000)  # type: ignore[attr-defined]
            assert running.log_in(f"name{number}").status_code == 401
        assert running.log_in().status_code == 429


def test_strangers_do_not_keep_out_who_has_logged_in_from_here(closed: Site) -> None:
    assert closed.log_in().status_code == 303
    here = closed.client._transport.client  # type: ignore[attr-defined]
    closed.client._transport.client = ("10.9.9.9", 50_000)  # type: ignore[attr-defined]
    for _ in range(5):
        assert closed.log_in(password="wrong").status_code == 401
    assert closed.log_in().status_code == 429
    closed.client._transport.client = here  # type: ignore[attr-defined]
    assert closed.log_in().status_code == 303


def test_the_likeliest_password_is_hashed_first() -> None:
    order: list[str] = []

    async def login(queue: HashQueue, rank: int, name: str) -> None:
        await queue.run(rank, lambda: order.append(name))

    async def crowd() -> None:
        queue, hashing = HashQueue(parallel=1), threading.Event()
        first = asyncio.create_task(queue.run(2, hashing.wait))
        await asyncio.sleep(0)
        waiting = [("guess", 2), ("new", 1), ("guess too", 2), ("known", 0)]
        others = [asyncio.create_task(login(queue, rank, name)) for name, rank in waiting]
        await asyncio.sleep(0)
        hashing.set()
        await asyncio.gather(first, *others)

    asyncio.run(crowd())
    assert order == ["known", "new", "guess", "guess too"]


def test_the_queue_is_bounded_and_guesses_give_way() -> None:
    async def crowd() -> tuple[list[object], list[object]]:
        queue, hashing = HashQueue(parallel=1, most_waiting=2), threading.Event()
        first = asyncio.create_task(queue.run(2, hashing.wait))
        await asyncio.sleep(0)
        guesses = [asyncio.create_task(queue.run(2, str)) for _ in range(4)]
        await asyncio.sleep(0)
        honest = [asyncio.create_task(queue.run(rank, str)) for rank in (1, 0)]
        await asyncio.sleep(0)
        left = asyncio.create_task(queue.run(0, str))
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.sleep(0)
        hashing.set()
        await first
        return (
            list(await asyncio.gather(*guesses, return_exceptions=True)),
            list(await asyncio.gather(*honest, return_exceptions=True)),
        )

    guesses, honest = asyncio.run(crowd())
    assert all(isinstance(each, TooManyLogins) for each in guesses)
    assert honest[1] == ""


def test_a_crowd_of_guesses_is_told_to_come_later(closed: Site) -> None:
    login = next(route for route in closed.app._app.routes if route.path == "/login")  # type: ignore[attr-defined]
    handler = login.endpoint.__self__
    queue, handler._hashing = handler._hashing, HashQueue(parallel=0, most_waiting=0)
    for _ in range(9):  # none of which counts as a failure
        answer = closed.log_in()
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    handler._hashing = queue
    assert closed.log_in().status_code == 303
