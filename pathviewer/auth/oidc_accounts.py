"""Accounts of people who log in through the OpenID provider."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, Any

from pathviewer.auth import user_messages
from pathviewer.auth.credentials import RESERVED_NAMES
from pathviewer.auth.errors import AccessError
from storage.accounts.store import AccountRecord, add_account, find_account, find_account_by_subject
from storage.audit import add_entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from pathviewer.settings import Settings
    from storage.database import Database

LONGEST_BASE = 56
"""Most letters of a name, which leaves room for a number."""


def account_of(settings: Settings, database: Database, claims: Mapping[str, Any]) -> AccountRecord:
    """Return the account of (issuer, subject), created on the first login.

    Raises `AccessError` if it is disabled, `StorageError` if it cannot be stored.
    """
    issuer, subject = str(claims["iss"]), str(claims["sub"])
    with database.session() as session:
        account = find_account_by_subject(session, issuer, subject)
        if account is None:
            account = add_account(
                session,
                name=free_name(session, claims),
                role=settings.oidc_default_role,
                issuer=issuer,
                subject=subject,
            )
            add_entry(session, account.id, "account_added", account.name, {"by": "oidc"})
    if account.disabled:
        raise AccessError(user_messages.account_disabled(account.name))
    return account


def free_name(session: Session, claims: Mapping[str, Any]) -> str:
    """Return an unused name from the user name, the e-mail address or the subject.

    A provider's user never gets a local account by having the same name.
    """
    wish = claims.get("preferred_username") or claims.get("email") or claims["sub"]
    base = re.sub(r"[^a-z0-9._@+-]+", "-", str(wish).lower()).lstrip("._@+-")[:LONGEST_BASE]
    base = base or "user"
    names = (base if number == 1 else f"{base}-{number}" for number in count(1))
    return next(
        name for name in names if name not in RESERVED_NAMES and find_account(session, name) is None
    )
