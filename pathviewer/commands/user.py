"""`python -m pathviewer user ...`: accounts and bearer tokens."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from pathviewer.auth import account_admin
from pathviewer.auth.account_marker import remember_accounts
from pathviewer.auth.errors import AccessError
from pathviewer.auth.roles import Role
from pathviewer.settings import read_settings
from storage.accounts.sessions import list_tokens
from storage.accounts.store import AccountRecord, list_accounts
from storage.database import open_database
from storage.errors import StorageError

app = typer.Typer(no_args_is_help=True, help="Accounts, their roles and tokens.")

Name = Annotated[str, typer.Argument(help="Name of the account.")]
RoleOption = Annotated[Role, typer.Option("--role", help="What the account may do.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]

RaterOption = Annotated[
    bool,
    typer.Option("--rater/--no-rater", help="Whether it judges; if not, it sees all feedback."),
]


@app.command()
def add(
    name: Name, role: RoleOption, password_stdin: FromStdin = False, rater: RaterOption = True
) -> None:
    """Create an account; from then on everyone has to log in."""
    with transaction() as session:
        password = read_password(password_stdin)
        account = account_admin.add_user(session, name, role, password, rater=rater)
    remember_accounts(read_settings())
    typer.echo(f"Created the account {account.name} ({account.role}).")


@app.command(name="list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List accounts and tokens."""
    with transaction() as session:
        rows = [describe_account(session, account) for account in list_accounts(session)]
    if as_json:
        typer.echo(json.dumps({"accounts": rows}))
        return
    if not rows:
        typer.echo("There are no accounts: anyone at this machine may do everything.")
    for row in rows:
        notes = ("" if row["rater"] else "  no rater") + ("  disabled" if row["disabled"] else "")
        typer.echo(f"{row['name']}  {row['role']}  {row['login']}{notes}")
        for token in row["tokens"]:
            ends = token["expires_at"] or "no end"
            typer.echo(f"    token {token['id']}  {token['label']}  {ends}")


@app.command()
def role(name: Name, new_role: Annotated[Role, typer.Argument(metavar="ROLE")]) -> None:
    """Change an account's role."""
    with transaction() as session:
        account_admin.change_role(session, name, new_role)
    typer.echo(f"{name} is now {new_role}.")


@app.command()
def password(name: Name, password_stdin: FromStdin = False) -> None:
    """Change an account's password and end its logins."""
    with transaction() as session:
        account_admin.change_password(session, name, read_password(password_stdin))
    typer.echo(f"Changed the password of {name}.")


@app.command()
def retire(name: Name) -> None:
    """End an account's role as a rater for good; it then sees all feedback."""
    with transaction() as session:
        account_admin.retire_rater(session, name)
    typer.echo(f"{name} no longer judges and sees all feedback.")


@app.command()
def disable(name: Name) -> None:
    """Disable an account: its logins end within seconds, its tokens are revoked."""
    with transaction() as session:
        account_admin.disable(session, name)
    typer.echo(f"Disabled {name}.")


@app.command()
def enable(name: Name) -> None:
    """Enable a disabled account."""
    with transaction() as session:
        account_admin.enable(session, name)
    typer.echo(f"Enabled {name}.")


@app.command()
def token(
    name: Name,
    label: Annotated[str, typer.Option(help="What the token is for.")],
    days: Annotated[
        int | None,
        typer.Option(min=1, max=36_500, help="Days until it expires; never if not given."),
    ] = None,
) -> None:
    """Print a bearer token for scripts; it is shown only once."""
    with transaction() as session:
        text = account_admin.make_token(session, name, label, days)
    typer.echo(text)
    typer.echo("Send it as `Authorization: Bearer TOKEN`; it is not shown again.", err=True)


@app.command()
def revoke(token_id: Annotated[str, typer.Argument(help="Id from `user list`.")]) -> None:
    """Revoke a bearer token."""
    with transaction() as session:
        account_admin.revoke(session, token_id)
    typer.echo(f"Revoked the token {token_id}.")


@contextmanager
def transaction() -> Iterator[Session]:
    """Run one transaction on the configured database; errors become a sentence and exit 1."""
    try:
        database = open_database(read_settings().database)
        try:
            with database.session() as session:
                yield session
        finally:
            database.close()
    except (AccessError, StorageError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def read_password(from_stdin: bool) -> str:
    """Return the password; a terminal asks for it twice."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def describe_account(session: Session, account: AccountRecord) -> dict[str, Any]:
    """Return an account and its valid tokens as JSON values."""
    tokens = [
        {
            "id": token.id,
            "label": token.label,
            "expires_at": token.expires_at.isoformat() if token.expires_at else None,
        }
        for token in list_tokens(session, account.id)
        if token.revoked_at is None
    ]
    return {
        "name": account.name,
        "role": account.role,
        "disabled": account.disabled,
        "rater": account.rater,
        "login": account.issuer or ("password" if account.password_hash else "proxy"),
        "created_at": account.created_at.isoformat(),
        "tokens": tokens,
    }
