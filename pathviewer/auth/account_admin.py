"""Management of accounts and bearer tokens; each change is written to the audit log."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from pathviewer.auth import user_messages
from pathviewer.auth.credentials import account_name, hash_password, new_token, token_hash
from pathviewer.auth.errors import AccessError
from pathviewer.auth.roles import Role
from storage.accounts.sessions import (
    add_token,
    delete_account_sessions,
    revoke_account_tokens,
    revoke_token,
)
from storage.accounts.store import (
    AccountRecord,
    add_account,
    end_rater_role,
    find_account,
    set_disabled,
    set_password_hash,
    set_role,
)
from storage.audit import add_entry
from storage.tables import LOCAL_ACCOUNT_ID, now


def add_user(
    session: Session, name: str, role: Role, password: str, *, rater: bool = True
) -> AccountRecord:
    """Create an account with a password. Raises `AccessError`, `NameTakenError`."""
    hashed = hash_password(password)
    account = add_account(
        session, name=account_name(name), role=role, password_hash=hashed, rater=rater
    )
    detail = {} if rater else {"rater": "no"}
    _note(session, "account_added", account, role=role.value, **detail)
    return account


def change_password(session: Session, name: str, password: str) -> None:
    """Change a password and end the account's logins. Raises `AccessError`."""
    account = require_account(session, name)
    if account.issuer:
        raise AccessError(user_messages.password_at_provider(account.name, account.issuer))
    set_password_hash(session, account.id, hash_password(password))
    delete_account_sessions(session, account.id)
    _note(session, "password_changed", account)


def change_role(session: Session, name: str, role: Role) -> None:
    """Change a role; it takes effect within seconds. Raises `AccessError`."""
    account = require_account(session, name)
    set_role(session, account.id, role)
    _note(session, "role_changed", account, before=account.role, after=role.value)


def retire_rater(session: Session, name: str) -> None:
    """End an account's role as a rater within seconds and for good. Raises `AccessError`."""
    account = require_account(session, name)
    end_rater_role(session, account.id)
    _note(session, "rater_retired", account)


def disable(session: Session, name: str) -> None:
    """Disable an account, end its logins and revoke its tokens. Raises `AccessError`."""
    account = require_account(session, name)
    set_disabled(session, account.id, True)
    delete_account_sessions(session, account.id)
    revoke_account_tokens(session, account.id)
    _note(session, "account_disabled", account)


def enable(session: Session, name: str) -> None:
    """Enable an account; its tokens stay revoked. Raises `AccessError`."""
    account = require_account(session, name)
    set_disabled(session, account.id, False)
    _note(session, "account_enabled", account)


def make_token(session: Session, name: str, label: str, days: int | None) -> str:
    """Create a bearer token, shown once; `days` None: no expiry. Raises `AccessError`."""
    account = require_account(session, name)
    if account.disabled:
        raise AccessError(user_messages.account_disabled_for_token(account.name))
    token = new_token()
    stored = add_token(
        session,
        token_hash=token_hash(token),
        account_id=account.id,
        label=label.strip()[:200],
        expires_at=None if days is None else now() + timedelta(days=days),
    )
    _note(session, "token_made", account, token=stored.id, label=stored.label)
    return token


def revoke(session: Session, token_id: str) -> None:
    """Revoke one token. Raises `RecordNotFoundError`."""
    token = revoke_token(session, token_id)
    detail = {"by": "command line", "token": token.id, "label": token.label}
    add_entry(session, LOCAL_ACCOUNT_ID, "token_revoked", token.account_id, detail)


def require_account(session: Session, name: str) -> AccountRecord:
    """Return the account of that name; raises `AccessError` if there is none."""
    account = find_account(session, account_name(name))
    if account is None:
        raise AccessError(user_messages.no_such_account(name))
    return account


def _note(session: Session, action: str, account: AccountRecord, **detail: str) -> None:
    add_entry(session, LOCAL_ACCOUNT_ID, action, account.name, {"by": "command line", **detail})
