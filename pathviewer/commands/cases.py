"""`python -m pathviewer cases import`: the case of each slide, from a CSV."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pathviewer.cases.csv_table import CasesError, read_table
from pathviewer.cases.import_cases import ImportCounts, import_cases
from pathviewer.common.database import open_configured_database
from pathviewer.settings import Settings
from pathviewer.slides.library import SlideLibrary
from storage.audit import add_entry
from storage.cases.store import list_cases
from storage.database import Database
from storage.errors import StorageError
from storage.tables import LOCAL_ACCOUNT_ID

app = typer.Typer(no_args_is_help=True, help="Cases: the slides of one patient.")


@app.command("import")
def import_command(
    table: Annotated[Path, typer.Argument(help="CSV; its columns are in docs/export.md.")],
) -> None:
    """Import the case of each slide and its reference data."""
    with cases_errors(), open_configured_database() as (settings, database):
        rows = read_table(table)
        scan_slides(settings, database)
        with database.session() as session:
            result = import_cases(session, rows)
            if not result.changed:
                raise CasesError(f"All {len(rows)} lines are known already; nothing was changed.")
            add_entry(session, LOCAL_ACCOUNT_ID, "cases_imported", "", {"slides": result.slides})
    typer.echo(summary(result))


@app.command("list")
def list_command() -> None:
    """List the cases and their reference answers."""
    with (
        cases_errors(),
        open_configured_database() as (_, database),
        database.read_only() as session,
    ):
        for case in list_cases(session):
            source = f" ({case.reference_source})" if case.reference_source else ""
            typer.echo(f"{case.name}  {case.reference_answer or '-'}{source}")


def summary(result: ImportCounts) -> str:
    """Return a summary of the import in one or two sentences."""
    sentence = (
        f"{result.slides} slides of {result.cases} cases; {result.changed} were new or changed."
    )
    if result.moved:
        sentence += f" {result.moved} belonged to another case before."
    return sentence


def scan_slides(settings: Settings, database: Database) -> None:
    """Register slides that no server has scanned yet."""
    folders = [*settings.slides, settings.demo, settings.uploads]
    there = [folder for folder in folders if folder.is_dir()]
    library = SlideLibrary(there, database, uploads=settings.uploads, demo=settings.demo)
    library.rescan()


@contextmanager
def cases_errors() -> Iterator[None]:
    """Turn an error into a sentence and exit 1."""
    try:
        yield
    except (CasesError, StorageError) as error:
        sys.exit(str(error))
