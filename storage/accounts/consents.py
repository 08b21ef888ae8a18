"""Consents: accounts that agreed to license their feedback."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.tables import Account, Consent


def add_consent(session: Session, account_id: str, licence: str) -> bool:
    """Record an account's consent; False if it was recorded before."""
    # Serialise, so that two clicks store one consent.
    session.get_one(Account, account_id, with_for_update=True)
    if has_agreed(session, account_id, licence):
        return False
    session.add(Consent(account_id=account_id, licence=licence))
    session.flush()
    return True


def has_agreed(session: Session, account_id: str, licence: str) -> bool:
    """Whether an account agreed to a licence."""
    same = select(Consent.id).where(Consent.account_id == account_id, Consent.licence == licence)
    return session.scalar(same) is not None


def list_consenting_accounts(session: Session, licence: str) -> frozenset[str]:
    """Accounts that agreed to a licence."""
    account_ids = select(Consent.account_id).where(Consent.licence == licence)
    return frozenset(session.scalars(account_ids))
