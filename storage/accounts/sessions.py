"""Logins and bearer tokens; only hashes of their secrets are stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from storage import user_messages
from storage.accounts.store import AccountRecord
from storage.errors import RecordNotFoundError
from storage.row_values import as_record
from storage.tables import AccessToken, Account, LoginSession, now


@dataclass(frozen=True)
class TokenRecord:
    """A stored bearer token."""

    id: str
    """UUID as text."""

    account_id: str
    """Account whose rights it carries."""

    label: str
    """Purpose of the token."""

    created_at: datetime
    """Creation time, UTC."""

    expires_at: datetime | None
    """Expiry, UTC; None for never."""

    revoked_at: datetime | None
    """Revocation time, UTC; None if not revoked."""


@dataclass(frozen=True)
class Credential:
    """A valid login or token."""

    account: AccountRecord
    """Its account; never a disabled one."""

    expires_at: datetime | None
    """Expiry, UTC; None for never."""


def add_session(
    session: Session, *, token_hash: str, account_id: str, expires_at: datetime
) -> None:
    """Store a login."""
    session.add(LoginSession(token_hash=token_hash, account_id=account_id, expires_at=expires_at))
    session.flush()


def find_session(session: Session, token_hash: str) -> Credential | None:
    """Login with this hash; None if unknown or expired, or if the account is disabled."""
    row = session.execute(
        select(Account, LoginSession.expires_at)
        .join(LoginSession, LoginSession.account_id == Account.id)
        .where(
            LoginSession.token_hash == token_hash,
            LoginSession.expires_at > now(),
            Account.disabled.is_(False),
        )
    ).first()
    return None if row is None else Credential(as_record(AccountRecord, row[0]), row[1])


def delete_session(session: Session, token_hash: str) -> None:
    """End a login; do nothing if there is none."""
    session.execute(delete(LoginSession).where(LoginSession.token_hash == token_hash))


def delete_account_sessions(session: Session, account_id: str) -> None:
    """End all logins of an account."""
    session.execute(delete(LoginSession).where(LoginSession.account_id == account_id))


def delete_expired_sessions(session: Session) -> int:
    """Delete expired logins; return their number."""
    over = delete(LoginSession).where(LoginSession.expires_at <= now())
    return len(session.scalars(over.returning(LoginSession.token_hash)).all())


def add_token(
    session: Session, *, token_hash: str, account_id: str, label: str, expires_at: datetime | None
) -> TokenRecord:
    """Store a bearer token."""
    row = AccessToken(
        token_hash=token_hash, account_id=account_id, label=label, expires_at=expires_at
    )
    session.add(row)
    session.flush()
    return as_record(TokenRecord, row)


def find_token(session: Session, token_hash: str) -> Credential | None:
    """Token with this hash; None if unknown, expired or revoked, or if the account is disabled."""
    row = session.execute(
        select(Account, AccessToken.expires_at)
        .join(AccessToken, AccessToken.account_id == Account.id)
        .where(
            AccessToken.token_hash == token_hash,
            AccessToken.revoked_at.is_(None),
            or_(AccessToken.expires_at.is_(None), AccessToken.expires_at > now()),
            Account.disabled.is_(False),
        )
    ).first()
    return None if row is None else Credential(as_record(AccountRecord, row[0]), row[1])


def list_tokens(session: Session, account_id: str) -> list[TokenRecord]:
    """All tokens of an account, oldest first."""
    own_tokens = (
        select(AccessToken)
        .where(AccessToken.account_id == account_id)
        .order_by(AccessToken.created_at)
    )
    return [as_record(TokenRecord, row) for row in session.scalars(own_tokens)]


def revoke_token(session: Session, token_id: str) -> TokenRecord:
    """Revoke a token; raises `RecordNotFoundError` if it is unknown or already revoked."""
    row = session.get(AccessToken, token_id)
    if row is None or row.revoked_at is not None:
        raise RecordNotFoundError(user_messages.no_token(token_id))
    row.revoked_at = now()
    session.flush()
    return as_record(TokenRecord, row)


def revoke_account_tokens(session: Session, account_id: str) -> None:
    """Revoke all tokens of an account."""
    live = update(AccessToken).where(
        AccessToken.account_id == account_id, AccessToken.revoked_at.is_(None)
    )
    session.execute(live.values(revoked_at=now()))
