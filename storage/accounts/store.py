"""Accounts: names, roles and login credentials."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from storage import user_messages
from storage.errors import NameTakenError, RecordNotFoundError
from storage.row_values import as_record
from storage.tables import LOCAL_ACCOUNT_ID, Account


@dataclass(frozen=True)
class AccountRecord:
    """A stored account."""

    id: str
    """UUID as text, or `local` for the built-in one."""

    name: str
    """Unique, lower case."""

    role: str
    """`admin`, `researcher`, `clinician` or `viewer`."""

    password_hash: str | None = field(repr=False)
    """Argon2 hash; None if the account has no password."""

    issuer: str | None
    """OpenID Connect issuer; None for a local account."""

    subject: str | None
    """The issuer's id of the person."""

    disabled: bool
    """Whether the account is disabled."""

    rater: bool
    """Whether the account rates; one that does not sees others' feedback and can never become a
    rater.
    """

    created_at: datetime
    """Creation time, UTC."""


def add_account(
    session: Session,
    *,
    name: str,
    role: str,
    password_hash: str | None = None,
    issuer: str | None = None,
    subject: str | None = None,
    rater: bool = True,
) -> AccountRecord:
    """Store an account; `name` must be lower case. Raises `NameTakenError`."""
    row = Account(
        name=name,
        role=role,
        password_hash=password_hash,
        issuer=issuer,
        subject=subject,
        rater=rater,
    )
    if find_account(session, name) is not None:
        raise NameTakenError(user_messages.name_taken(name))
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        # another process may take the name between the check and the write
        if find_account(session, name) is None:
            raise
        raise NameTakenError(user_messages.name_taken_meanwhile(name)) from error
    return as_record(AccountRecord, row)


def add_visitor(session: Session, account_id: str, role: str) -> None:
    """Store an account with this id and no login, unless it exists."""
    if session.get(Account, account_id) is None:
        name = f"visitor-{account_id}"
        session.add(Account(id=account_id, name=name, role=role, disabled=True))
        session.flush()


def delete_visitor(session: Session, account_id: str) -> None:
    """Delete a visitor's account; raises `StorageError` if another row refers to it."""
    own = Account.id == account_id, Account.name == f"visitor-{account_id}"
    session.execute(delete(Account).where(*own))
    session.flush()


def find_account(session: Session, name: str) -> AccountRecord | None:
    """Account with this name, disabled or not; None if there is none."""
    row = session.scalar(select(Account).where(Account.name == name))
    return None if row is None else as_record(AccountRecord, row)


def find_account_by_subject(session: Session, issuer: str, subject: str) -> AccountRecord | None:
    """Account of a person at an OpenID Connect issuer; None if there is none."""
    row = session.scalar(
        select(Account).where(Account.issuer == issuer, Account.subject == subject)
    )
    return None if row is None else as_record(AccountRecord, row)


def list_accounts(session: Session) -> list[AccountRecord]:
    """All accounts except the built-in one, by name."""
    people = select(Account).where(Account.id != LOCAL_ACCOUNT_ID).order_by(Account.name)
    return [as_record(AccountRecord, row) for row in session.scalars(people)]


def accounts_exist(session: Session) -> bool:
    """Whether any account exists, including disabled ones but not the built-in one."""
    return bool(session.scalar(select(exists().where(Account.id != LOCAL_ACCOUNT_ID))))


def set_password_hash(session: Session, account_id: str, password_hash: str) -> None:
    """Replace the password; raises `RecordNotFoundError`."""
    _row(session, account_id).password_hash = password_hash
    session.flush()


def set_role(session: Session, account_id: str, role: str) -> None:
    """Change the role; raises `RecordNotFoundError`."""
    _row(session, account_id).role = role
    session.flush()


def end_rater_role(session: Session, account_id: str) -> None:
    """Stop an account from rating, permanently; raises `RecordNotFoundError`."""
    _row(session, account_id).rater = False
    session.flush()


def set_disabled(session: Session, account_id: str, disabled: bool) -> None:
    """Disable or enable an account; raises `RecordNotFoundError`."""
    _row(session, account_id).disabled = disabled
    session.flush()


def _row(session: Session, account_id: str) -> Account:
    row = session.get(Account, account_id)
    if row is None or row.id == LOCAL_ACCOUNT_ID:
        raise RecordNotFoundError(user_messages.no_account(account_id))
    return row
