"""`python -m pathviewer cases import`: which slides belong together, from a CSV."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pathviewer.cases.csv_table import CasesError, read_table
from pathviewer.cases.import_cases import Taken, take_in
from pathviewer.common.database import opened
from pathviewer.settings import Settings
from pathviewer.slides.library import SlideLibrary
from storage.audit import record
from storage.cases.store import list_cases
from storage.database import Database
from storage.errors import StorageError
from storage.tables import LOCAL_ACCOUNT_ID

app = typer.Typer(no_args_is_help=True, help="Cases: which slides are of one patient.")


@app.command("import")
def import_command(
    table: Annotated[Path, typer.Argument(help="CSV; its columns are in docs/export.md.")],
) -> None:
    """Say which slides belong to which case, and what is known of them."""
    with cases_errors(), opened() as (settings, database):
        rows = read_table(table)
        look_through(settings, database)
        with database.session() as session:
            taken = take_in(session, rows)
            if not taken.changed:
                raise CasesError(f"All {len(rows)} lines are known already; nothing was changed.")
            record(session, LOCAL_ACCOUNT_ID, "cases_imported", "", {"slides": taken.slides})
    typer.echo(summary(taken))


@app.command("list")
def list_command() -> None:
    """Show the cases and their reference answers."""
    with cases_errors(), opened() as (_, database), database.reading() as session:
        for case in list_cases(session):
            source = f" ({case.reference_source})" if case.reference_source else ""
            typer.echo(f"{case.name}  {case.reference_answer or '-'}{source}")


def summary(taken: Taken) -> str:
    """What was imported, in a sentence or two."""
    told = f"{taken.slides} slides of {taken.cases} cases; {taken.changed} were new or changed."
    if taken.moved:
        told += f" {taken.moved} belonged to another case before."
    return told


def look_through(settings: Settings, database: Database) -> None:
    """Take in slides that no server has seen yet."""
    folders = [*settings.slides, settings.demo, settings.uploads]
    there = [folder for folder in folders if folder.is_dir()]
    library = SlideLibrary(there, database, uploads=settings.uploads, demo=settings.demo)
    library.rescan()


@contextmanager
def cases_errors() -> Iterator[None]:
    """End a command that cannot run in a sentence."""
    try:
        yield
    except (CasesError, StorageError) as error:
        sys.exit(str(error))
