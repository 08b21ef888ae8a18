"""`python -m pathviewer backup`, `restore`, `withdraw` and `audit`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pathviewer.common.atomic_folder import FolderError, disk_sentence
from pathviewer.common.database import open_configured_database
from pathviewer.common.plural import format_count
from pathviewer.common.progress import bar
from pathviewer.operations.audit_log import audit_lines
from pathviewer.operations.backup import BackupContents, back_up, restore
from pathviewer.operations.errors import UpkeepError
from pathviewer.operations.restore_check import rehearse
from pathviewer.operations.withdrawal import Subject, find_subject, withdraw
from pathviewer.settings import read_settings
from storage.audit import add_entry
from storage.backup import find_sqlite_file
from storage.blobs import BlobStore
from storage.database import open_database
from storage.errors import StorageError
from storage.tables import LOCAL_ACCOUNT_ID
from storage.withdrawals import WithdrawalRecord


def backup_command(
    out: Annotated[Path, typer.Option(help="Folder to write; must not exist or be empty.")],
    uploads: Annotated[bool, typer.Option("--uploads", help="Include uploaded slides.")] = False,
) -> None:
    """Copy the database and its pictures into a folder; the program may be running."""
    with upkeep_errors():
        settings = read_settings()
        with bar("Backing up") as step:
            contents = back_up(settings, out, step, uploads=uploads)
        with open_configured_database() as (_, database), database.session() as session:
            add_entry(session, LOCAL_ACCOUNT_ID, "backed_up", "", {"files": contents.files})
    slides = f" and {contents.uploads} of uploaded slides" if uploads else ""
    size = f"{contents.byte_count / 2**20:.1f} MiB"
    typer.echo(f"Backed up the database and {contents.files} files{slides}, {size}.")
    _report_unusable(contents)


def restore_command(
    folder: Annotated[Path, typer.Argument(help="Folder that `backup` wrote.")],
    check: Annotated[
        bool, typer.Option("--check", help="Rehearse in a temporary folder and change nothing.")
    ] = False,
) -> None:
    """Restore a backup into a data folder without a database (PATHVIEWER_DATA)."""
    if check:
        _rehearse(folder)
        return
    with upkeep_errors():
        settings = read_settings()
        with bar("Restoring") as step:
            contents = restore(settings, folder, step)
        database = open_database(settings.database)  # migrates an older schema
        with database.session() as session:
            add_entry(session, LOCAL_ACCOUNT_ID, "restored", "", {"files": contents.files})
        database.close()
        where = find_sqlite_file(settings.database).parent
    slides = f" and {contents.uploads} of uploaded slides" if contents.uploads else ""
    typer.echo(f"Restored the database and {contents.files} files{slides} into {where}.")
    _report_unusable(contents)


def _rehearse(folder: Path) -> None:
    """Print each check that a backup passed; exit 1 with a sentence at the first failure."""
    with upkeep_errors():
        with bar("Restoring") as step:
            checks = rehearse(folder, step)
            first = next(checks)
        for sentence in (first, *checks):
            typer.echo(sentence)
        typer.echo("This backup can be restored.")


def withdraw_command(
    case: Annotated[str | None, typer.Option(help="Name of a case.")] = None,
    rater: Annotated[str | None, typer.Option(help="Name of an account.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Permanently remove all data of a case, or the questions and feedback of a rater."""
    with upkeep_errors(), open_configured_database() as (settings, database):
        subject = find_subject(database, case, rater)
        if not yes:
            typer.confirm(f"Remove all data of {case or rater}? This cannot be undone", abort=True)
        withdrawal, emptied = withdraw(database, BlobStore(settings.blobs), subject)
    typer.echo(withdrawal_sentence(subject, withdrawal))
    if not emptied:
        typer.echo(
            "Traces may remain in the database's log, because the running program was reading. "
            "Run `withdraw` again, or restart the program.",
            err=True,
        )


def audit_command(
    after: Annotated[int, typer.Option(help="Only entries after this id.")] = 0,
) -> None:
    """Print the audit log as JSON lines, oldest entry first."""
    with upkeep_errors(), open_configured_database() as (_, database):
        for line in audit_lines(database, after):
            typer.echo(json.dumps(line, ensure_ascii=False))


def withdrawal_sentence(subject: Subject, withdrawal: WithdrawalRecord) -> str:
    """Return a sentence on what was removed and what was not."""
    counts = withdrawal.detail
    sentence = (
        f"Removed {format_count(counts['questions'], 'question')} with "
        f"{format_count(counts['completions'], 'answer')}, "
        f"{counts['feedback']} pieces of feedback, "
        f"{format_count(counts['blobs'], 'file')} of pictures and attention, "
        f"{format_count(counts['regions'], 'region')}. Tombstone {withdrawal.id}."
    )
    rest = (
        "The slide files remain; earlier backups and exports still contain the data."
        if subject.kind == "case"
        else "The account remains (`user disable` closes it); earlier backups and exports "
        "still contain its data."
    )
    datasets = counts["datasets"]
    named = f" Exports that contain it, by the SHA-256 of manifest.json: {', '.join(datasets)}."
    return f"{sentence} {rest}{named if datasets else ''}"


@contextmanager
def upkeep_errors() -> Iterator[None]:
    """Turn an error into a sentence and exit 1."""
    try:
        yield
    except (UpkeepError, FolderError, StorageError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{disk_sentence(error)}.")


def _report_unusable(contents: BackupContents) -> None:
    if contents.unusable:
        names = ", ".join(map(_short, contents.unusable[:5]))
        typer.echo(
            f"{len(contents.unusable)} files are missing or damaged and were left out: {names}.",
            err=True,
        )


def _short(name: str) -> str:
    """Shorten a SHA-256; keep a slide's name unchanged."""
    return name[:12] if re.fullmatch("[0-9a-f]{64}", name) else name
