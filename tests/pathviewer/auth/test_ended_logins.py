"""A logout that the database refuses holds, and is stored as soon as that is possible."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from pathviewer.auth.account_admin import add_user
from pathviewer.auth.credentials import token_hash
from pathviewer.auth.ended_logins import EndedLogins
from pathviewer.auth.roles import Role
from storage.accounts.sessions import add_session, find_session
from storage.database import Database
from storage.tables import now
from tests.databases import new_database

TOKEN = "t" * 43


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.sqlite3"


def database_with_login(path: Path) -> tuple[Database, str]:
    """A database in which anna is logged in, and her account's id."""
    database = new_database(f"sqlite:///{path}", busy_ms=50)
    with database.session() as session:
        account = add_user(session, "anna", Role.viewer, "a long password")
        later = now() + timedelta(hours=1)
        add_session(session, token_hash=token_hash(TOKEN), account_id=account.id, expires_at=later)
    return database, account.id


def is_logged_in(database: Database) -> bool:
    with database.read_only() as session:
        return find_session(session, token_hash(TOKEN)) is not None


def test_a_logout_survives_a_restart_before_it_is_stored(path: Path, tmp_path: Path) -> None:
    database, account = database_with_login(path)
    ended, file = EndedLogins(database, tmp_path / "ended.json"), tmp_path / "ended.json"
    other = sqlite3.connect(path)
    other.execute("BEGIN IMMEDIATE")  # somebody else writes, and does not end
    ended.end(TOKEN, account, "anna")
    ended.store()
    assert is_logged_in(database)
    assert file.stat().st_mode & 0o077 == 0
    again = EndedLogins(database, file)
    assert again.holds(TOKEN.encode())
    other.rollback()
    other.close()
    again.work()
    assert not is_logged_in(database)
    assert not file.exists()
    assert not again.holds(TOKEN.encode())
    database.close()


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"a": 1}]'])
def test_a_damaged_file_holds_nothing(path: Path, tmp_path: Path, text: str) -> None:
    database, _ = database_with_login(path)
    (tmp_path / "ended.json").write_text(text)
    assert not EndedLogins(database, tmp_path / "ended.json").holds(TOKEN.encode())
    database.close()
