"""Accounts, logins and tokens."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from storage.accounts.sessions import (
    add_session,
    add_token,
    delete_account_sessions,
    delete_expired_sessions,
    delete_session,
    find_session,
    find_token,
    list_tokens,
    revoke_account_tokens,
    revoke_token,
)
from storage.accounts.store import (
    accounts_exist,
    add_account,
    find_account,
    find_account_by_subject,
    list_accounts,
    set_disabled,
    set_password_hash,
    set_role,
)
from storage.database import Database
from storage.errors import NameTakenError, RecordNotFoundError, StorageError
from storage.tables import now

SOON = timedelta(hours=1)


def test_a_role_is_changed(database: Database) -> None:
    with database.session() as session:
        set_role(session, add_account(session, name="ada", role="viewer").id, "admin")
        changed = find_account(session, "ada")
    assert changed is not None
    assert changed.role == "admin"


def test_only_the_built_in_account_is_there_at_first(database: Database) -> None:
    with database.read_only() as session:
        local = find_account(session, "local")
        assert local is not None
        assert (local.id, local.role, local.password_hash) == ("local", "admin", None)
        assert not accounts_exist(session)
        assert list_accounts(session) == []


def test_an_account_is_added_once(database: Database) -> None:
    with database.session() as session:
        ada = add_account(session, name="ada", role="clinician", password_hash="$h")
        with pytest.raises(NameTakenError, match="ada"):
            add_account(session, name="ada", role="admin")
        assert find_account(session, "ada") == ada
        assert accounts_exist(session)
    assert "$h" not in repr(ada)


@pytest.mark.parametrize(
    ("name", "role", "issuer"),
    [
        ("Ada", "clinician", None),  # names are lower case
        ("", "clinician", None),  # and not empty
        ("ada", "owner", None),  # no such role
        ("ada", "viewer", "https://login.example"),  # an issuer without a subject
    ],
)
def test_rows_that_break_a_rule_are_refused(
    database: Database, name: str, role: str, issuer: str | None
) -> None:
    with pytest.raises(StorageError, match="rules"), database.session() as session:
        add_account(session, name=name, role=role, issuer=issuer)


def test_an_issuers_subject_is_one_account(database: Database) -> None:
    with database.session() as session:
        ada = add_account(session, name="ada", role="viewer", issuer="https://a", subject="1")
        assert find_account_by_subject(session, "https://a", "1") == ada
        assert find_account_by_subject(session, "https://b", "1") is None
    with pytest.raises(StorageError, match="rules"), database.session() as session:
        add_account(session, name="ada-2", role="viewer", issuer="https://a", subject="1")


def test_the_built_in_account_is_neither_shut_nor_given_a_password(database: Database) -> None:
    with database.session() as session:
        with pytest.raises(RecordNotFoundError):
            set_disabled(session, "local", True)
        with pytest.raises(RecordNotFoundError):
            set_password_hash(session, "local", "$h")


@pytest.mark.parametrize("left", [SOON, -SOON])
def test_a_login_holds_until_it_ends(database: Database, left: timedelta) -> None:
    with database.session() as session:
        ada = add_account(session, name="ada", role="viewer")
        add_session(session, token_hash="t", account_id=ada.id, expires_at=now() + left)
        found = find_session(session, "t")
        assert (found is not None) == (left > timedelta())
        assert found is None or found.account == ada
        assert delete_expired_sessions(session) == (found is None)


def test_a_login_ends_at_logout_and_when_the_account_is_shut(database: Database) -> None:
    with database.session() as session:
        ada = add_account(session, name="ada", role="viewer").id
        for token in "abc":
            add_session(session, token_hash=token, account_id=ada, expires_at=now() + SOON)
        delete_session(session, "a")
        assert find_session(session, "a") is None
        set_disabled(session, ada, True)
        assert find_session(session, "b") is None
        set_disabled(session, ada, False)
        assert find_session(session, "b") is not None
        delete_account_sessions(session, ada)
        assert find_session(session, "b") is None


@pytest.mark.parametrize("ends", [None, now() + SOON, now() - SOON])
def test_a_token_holds_until_it_ends_or_is_revoked(
    database: Database, ends: datetime | None
) -> None:
    with database.session() as session:
        ada = add_account(session, name="ada", role="viewer").id
        token = add_token(session, token_hash="t", account_id=ada, label="s", expires_at=ends)
        other = add_token(session, token_hash="u", account_id=ada, label="s", expires_at=ends)
        assert (find_token(session, "t") is not None) == (ends is None or ends > now())
        assert revoke_token(session, token.id).revoked_at is not None
        assert find_token(session, "t") is None
        with pytest.raises(RecordNotFoundError):
            revoke_token(session, token.id)
        revoke_account_tokens(session, ada)
        assert [t.id for t in list_tokens(session, ada) if t.revoked_at] == [token.id, other.id]


def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    with database.session() as session, pytest.raises(Exception, match="no time zone"):
        add_session(session, token_hash="t", account_id="local", expires_at=datetime(2026, 1, 1))


def test_a_login_of_nobody_is_refused(database: Database) -> None:
    with pytest.raises(StorageError, match="rules"), database.session() as session:
        add_session(session, token_hash="t", account_id="nobody", expires_at=now() + SOON)
    with database.read_only() as session:
        assert session.execute(text("SELECT count(*) FROM sessions")).scalar() == 0
