"""Accounts: who may use the program, in which role, and how they prove it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from storage.errors import NameTakenError, RecordNotFoundError
from storage.row_values import as_record
from storage.tables import LOCAL_ACCOUNT_ID, Account


@dataclass(frozen=True)
class AccountRecord:
    """What is stored about an account."""

    id: str
    """UUID as text, or `local` for the built-in one."""

    name: str
    """Unique, lower case."""

    role: str
    """`admin`, `researcher`, `clinician` or `viewer`."""

    password_hash: str | None = field(repr=False)
    """Argon2 hash; None where no password can log in."""

    issuer: str | None
    """OpenID Connect issuer of an account that comes from there."""

    subject: str | None
    """That issuer's id of the person."""

    disabled: bool
    """Whether the account is shut."""

    rater: bool
    """Whether it judges; an account that does not sees what others said, and never will judge."""

    created_at: datetime
    """When it was made, UTC."""


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
    """Store an account; the name is lower case already. Raises `NameTakenError`."""
    row = Account(
        name=name,
        role=role,
        password_hash=password_hash,
        issuer=issuer,
        subject=subject,
        rater=rater,
    )
    if find_account(session, name) is not None:
        raise NameTakenError(f"There is an account named {name} already; choose another name.")
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        # between the look and the write another process may have taken it
        if find_account(session, name) is None:
            raise
        raise NameTakenError(f"There is an account named {name} already.") from error
    return as_record(AccountRecord, row)


def add_visitor(session: Session, account_id: str, role: str) -> None:
    """Store an account of that id that nobody can log into, if it is not there."""
    if session.get(Account, account_id) is None:
        name = f"visitor-{account_id}"
        session.add(Account(id=account_id, name=name, role=role, disabled=True))
        session.flush()


def delete_visitor(session: Session, account_id: str) -> None:
    """Remove a visitor's account; raises `StorageError` if something refers to it."""
    own = Account.id == account_id, Account.name == f"visitor-{account_id}"
    session.execute(delete(Account).where(*own))
    session.flush()


def find_account(session: Session, name: str) -> AccountRecord | None:
    """The account of that name, disabled or not; None if there is none."""
    row = session.scalar(select(Account).where(Account.name == name))
    return None if row is None else as_record(AccountRecord, row)


def find_account_by_subject(session: Session, issuer: str, subject: str) -> AccountRecord | None:
    """The account of a person at an OpenID Connect issuer; None if there is none yet."""
    row = session.scalar(
        select(Account).where(Account.issuer == issuer, Account.subject == subject)
    )
    return None if row is None else as_record(AccountRecord, row)


def list_accounts(session: Session) -> list[AccountRecord]:
    """All accounts but the built-in one, by name."""
    people = select(Account).where(Account.id != LOCAL_ACCOUNT_ID).order_by(Account.name)
    return [as_record(AccountRecord, row) for row in session.scalars(people)]


def accounts_exist(session: Session) -> bool:
    """Whether anybody has an account, disabled ones included; the built-in one does not count."""
    return bool(session.scalar(select(exists().where(Account.id != LOCAL_ACCOUNT_ID))))


def set_password_hash(session: Session, account_id: str, password_hash: str) -> None:
    """Replace the password; raises `RecordNotFoundError`."""
    _row(session, account_id).password_hash = password_hash
    session.flush()


def set_role(session: Session, account_id: str, role: str) -> None:
    """Give another role; raises `RecordNotFoundError`."""
    _row(session, account_id).role = role
    session.flush()


def end_rater_role(session: Session, account_id: str) -> None:
    """Let an account judge no more, for good; raises `RecordNotFoundError`."""
    _row(session, account_id).rater = False
    session.flush()


def set_disabled(session: Session, account_id: str, disabled: bool) -> None:
    """Shut an account or open it again; raises `RecordNotFoundError`."""
    _row(session, account_id).disabled = disabled
    session.flush()


def _row(session: Session, account_id: str) -> Account:
    row = session.get(Account, account_id)
    if row is None or row.id == LOCAL_ACCOUNT_ID:
        raise RecordNotFoundError(f"There is no account with the id {account_id}.")
    return row
