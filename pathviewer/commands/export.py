"""`python -m pathviewer export` and `check-export`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pathviewer.common.atomic_folder import FolderError
from pathviewer.common.calendar_days import DayError, DayRange, read_days
from pathviewer.common.database import open_configured_database
from pathviewer.common.plural import format_count
from pathviewer.common.progress import bar
from pathviewer.export.consensus import parse_rule
from pathviewer.export.errors import ExportError
from pathviewer.export.manifest import check_export
from pathviewer.export.plan import FORMATS, ExportPlan, ExportTally
from pathviewer.export.plan import as_json as counts_json
from pathviewer.export.record import record_export
from pathviewer.export.run import export
from pathviewer.export.splits import parse_shares
from storage.accounts.store import find_account
from storage.blobs import BlobStore
from storage.cases.store import find_case
from storage.database import Database
from storage.errors import StorageError
from storage.export_rows import Selection


class FormatName(StrEnum):
    """Export formats of the command line."""

    preference = "preference"
    unpaired = "unpaired"
    stepwise = "stepwise"
    grpo = "grpo"
    sft = "sft"


Several = list[str] | None
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


def export_command(
    form: Annotated[FormatName, typer.Option("--format", help="Kind of rows; see docs/export.md.")],
    out: Annotated[Path, typer.Option(help="Folder to write; must be empty or absent.")],
    raters: Annotated[
        str, typer.Option("--rule", help="Several raters: each, majority, or how many must agree.")
    ] = "each",
    splits: Annotated[
        str, typer.Option(help="Shares of train, validation, test; by case, else by slide.")
    ] = "0.8,0.1,0.1",
    since: Annotated[
        str | None, typer.Option(help="Judged on this day or later; see --zone.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Judged on this day or before; see --zone.")
    ] = None,
    zone: Annotated[
        str, typer.Option(help="Time zone of these days, such as Pacific/Auckland.")
    ] = "UTC",
    rater: Annotated[Several, typer.Option(help="Only this account; repeatable.")] = None,
    model: Annotated[Several, typer.Option(help="Only this model; repeatable.")] = None,
    case: Annotated[Several, typer.Option(help="Only this case; repeatable.")] = None,
    question_type: Annotated[Several, typer.Option(help="Only this type; repeatable.")] = None,
    comments: Annotated[
        bool, typer.Option("--comments", help="Include free text; it may name people.")
    ] = False,
    teaching: Annotated[
        bool, typer.Option("--teaching", help="Include labels of teaching worklists.")
    ] = False,
    licence: Annotated[
        str, typer.Option(help="Licence for the card; the settings' if not given.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Export feedback as a folder of Parquet files for trainers."""
    with export_errors(), open_configured_database() as (settings, database):
        days = read_days(since or "", until or "", zone)
        selection = _selection(database, days, rater, model, case, question_type)
        plan = ExportPlan(
            format=FORMATS[form.value],
            rule=parse_rule(raters),
            shares=parse_shares(splits),
            selection=replace(selection, teaching=teaching),
            comments=comments,
            licence=licence or settings.label_licence,
        )
        with bar("Exporting") as step:
            tally = export(database, BlobStore(settings.blobs), plan, out, step)
        record_export(database, plan, tally, None)
    if as_json:
        typer.echo(json.dumps({"format": form.value} | counts_json(tally)))
    else:
        typer.echo(summary(tally) + (f" Days are those of {days.zone}." if since or until else ""))


def check_export_command(
    folder: Annotated[Path, typer.Argument(help="Folder that `export` wrote.")],
) -> None:
    """Check that an export is complete and no case, slide or picture is in two splits."""
    with export_errors():
        rows = check_export(folder)
    counts = ", ".join(f"{split} {count}" for split, count in sorted(rows.items()))
    typer.echo(f"The export is complete, and no group or picture is in two splits: {counts}.")


def summary(tally: ExportTally) -> str:
    """Return a summary of the export in one or two sentences."""
    rows = ", ".join(f"{split} {count}" for split, count in sorted(tally.rows.items()))
    sentence = f"Wrote {format_count(sum(tally.rows.values()), 'row')} ({rows}) of "
    sentence += f"{format_count(tally.items, 'judged item')}."
    if tally.conflicts:
        sentence += (
            f" In conflict: {format_count(tally.conflicts, 'item')}, see adjudication.jsonl."
        )
    if not tally.rows["train"]:
        sentence += " None is in train; --splits 1,0,0 puts all there."
    return sentence


@contextmanager
def export_errors() -> Iterator[None]:
    """Turn an error into a sentence and exit 1."""
    try:
        yield
    except (DayError, ExportError, FolderError, StorageError) as error:
        sys.exit(str(error))


def _selection(
    database: Database,
    days: DayRange,
    raters: Several,
    models: Several,
    cases: Several,
    tasks: Several,
) -> Selection:
    with database.read_only() as session:
        people = {name: find_account(session, name.lower()) for name in raters or ()}
        known_cases = {name: find_case(session, name) for name in cases or ()}
    for kind, found in (("account", people), ("case", known_cases)):
        missing = [name for name, record_ in found.items() if record_ is None]
        if missing:
            raise ExportError(f"There is no {kind} named {', '.join(missing)}.")
    return Selection(
        since=days.since,
        until=days.until,
        zone=days.zone,
        rater_ids=frozenset(each.id for each in people.values() if each),
        models=frozenset(models or ()),
        case_ids=frozenset(each.id for each in known_cases.values() if each),
        tasks=frozenset(tasks or ()),
    )
