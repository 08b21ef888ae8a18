"""`python -m pathviewer worklist import`, `generate`, `pairs` and `list`."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from models.engines.open_engine import open_engine
from models.errors import ModelError
from pathviewer.common.database import open_configured_database
from pathviewer.common.plural import format_count
from pathviewer.common.progress import bar
from pathviewer.comparisons.pair_plan import PAIR_PLANS, draw_pairs
from pathviewer.questions.model_input import Pictures
from pathviewer.questions.store import QuestionStore
from pathviewer.settings import Settings
from pathviewer.slides.library import SlideLibrary
from pathviewer.slides.slide_pool import SlidePool
from pathviewer.worklists.errors import WorklistError
from pathviewer.worklists.generation import GenerationSettings, generate_completions
from pathviewer.worklists.item_file import read_items
from storage.audit import add_entry
from storage.blobs import BlobStore
from storage.comparisons.pairs import (
    add_pairs,
    count_pairs,
    list_frozen_completions,
    refuse_if_paired,
)
from storage.database import Database
from storage.errors import StorageError
from storage.slides.store import list_slide_records
from storage.tables import LOCAL_ACCOUNT_ID
from storage.worklists.item_assignment import worklist_progress
from storage.worklists.records import NewWorklist
from storage.worklists.store import add_worklist, find_worklist, list_worklists

app = typer.Typer(no_args_is_help=True, help="Worklists: items assigned to raters.")


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="JSONL of items; docs/worklists.md has the fields.")],
    name: Annotated[str | None, typer.Option(help="Name; the file's name if not given.")] = None,
    blind: Annotated[bool, typer.Option(help="Raters answer before they see answers.")] = True,
    teaching: Annotated[
        bool, typer.Option("--teaching", help="Show the reference; keep labels out of exports.")
    ] = False,
    overlap: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the items that every rater gets.")
    ] = 1.0,
    repeats: Annotated[
        float, typer.Option(min=0, max=1, help="Share of a rater's items that repeat.")
    ] = 0.1,
) -> None:
    """Import a list of items: all of them, or none."""
    with worklist_errors(), open_configured_database() as (settings, database):
        library = library_of(settings, database)
        with database.read_only() as session:
            slides = list_slide_records(session)
        items = read_items(file, slides, lambda slide: _size(library, slide))
        new = NewWorklist(
            name=(name or file.stem)[:200],
            account_id=LOCAL_ACCOUNT_ID,
            blind=blind,
            teaching=teaching,
            overlap=overlap,
            repeats=repeats,
        )
        with database.session() as session:
            made = add_worklist(session, new, items)
            add_entry(
                session, LOCAL_ACCOUNT_ID, "worklist_imported", made.id, {"items": len(items)}
            )
    typer.echo(
        f"Imported {format_count(len(items), 'item')} as {made.name}; "
        "`worklist generate` generates the answers."
    )


@app.command("generate")
def generate_command(
    worklist: Annotated[str, typer.Argument(help="Name of the list.")],
    model: Annotated[str, typer.Option(help="Model: name, hub id, folder, or `scripted`.")],
    samples: Annotated[int, typer.Option(min=1, max=8, help="Answers per item.")] = 1,
    temperature: Annotated[
        float | None, typer.Option(help="Temperature; 1 for several answers, otherwise 0.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first item.")] = 0,
    max_new_tokens: Annotated[int, typer.Option(min=1, max=4096, help="Longest answer.")] = 512,
    beside: Annotated[
        bool, typer.Option("--beside", help="Include items that other models answered, to compare.")
    ] = False,
) -> None:
    """Generate and freeze the missing answers; resumes after an interruption."""
    drawn_temperature = (1.0 if samples > 1 else 0.0) if temperature is None else temperature
    manner = GenerationSettings(samples, drawn_temperature, seed, max_new_tokens, beside)
    with worklist_errors(), open_configured_database() as (settings, database):
        with database.read_only() as session:
            worklist_record = find_worklist(session, worklist)
            if beside:
                refuse_if_paired(session, worklist_record.id)
        library = library_of(settings, database)
        pool = SlidePool(library.locate, settings)
        keep = QuestionStore(database, BlobStore(settings.blobs), f"generate {uuid.uuid4()}")
        with (
            closing(pool),
            closing(open_engine(model, device=settings.device)) as backend,
            bar(f"Answering {worklist_record.name}") as step,
        ):
            pictures = Pictures(library, pool, model)
            result = generate_completions(
                database, keep, pictures, backend, worklist_record.id, manner, step
            )
    typer.echo(f"Generated the answers of {format_count(result.completed, 'item')}.")
    for sentence in result.failed:
        typer.echo(sentence, err=True)
    if result.failed:
        raise typer.Exit(1)


@app.command("pairs")
def pairs_command(
    worklist: Annotated[str, typer.Argument(help="Name of the list.")],
    plan: Annotated[
        str, typer.Option(help=f"How pairs are drawn: {', '.join(PAIR_PLANS)}.")
    ] = PAIR_PLANS[0],
    count: Annotated[
        int | None, typer.Option(min=1, help="How many, for random plans; all if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of the drawing.")] = 0,
) -> None:
    """Draw the pairs of answers that raters compare, once, with the probability of each."""
    with (
        worklist_errors(),
        open_configured_database() as (_, database),
        database.session() as session,
    ):
        worklist_record = find_worklist(session, worklist)
        drawing = draw_pairs(
            list_frozen_completions(session, worklist_record.id), plan, count, seed
        )
        add_pairs(session, worklist_record.id, drawing.pairs)
        detail = {"plan": plan, "seed": seed, "pairs": len(drawing.pairs)}
        add_entry(session, LOCAL_ACCOUNT_ID, "pairs_drawn", worklist_record.id, detail)
    typer.echo(
        f"Drew {len(drawing.pairs)} of {format_count(drawing.candidates, 'pair')} of "
        f"{worklist_record.name} by the plan {plan}, seed {seed}."
    )
    for number, why in (
        (drawing.same_text, "cannot be compared: same text"),
        (drawing.other_input, "cannot be compared: different pixels or prompts"),
        (drawing.repeated, "have the same two texts by the same models as another"),
    ):
        if number:
            typer.echo(f"Left out {format_count(number, 'pair')} that {why}.")


@app.command("list")
def list_command() -> None:
    """List the worklists and how many of their items have answers."""
    with (
        worklist_errors(),
        open_configured_database() as (_, database),
        database.read_only() as session,
    ):
        for each in list_worklists(session):
            far = worklist_progress(session, each, LOCAL_ACCOUNT_ID)
            kind = ", ".join(
                word for word, said in (("blind", each.blind), ("teaching", each.teaching)) if said
            )
            pairs = count_pairs(session, each.id)
            if pairs:
                kind = ", ".join(filter(None, (kind, format_count(pairs, "pair"))))
            typer.echo(f"{each.name}  {far.made} of {format_count(far.items, 'item')} made  {kind}")


def library_of(settings: Settings, database: Database) -> SlideLibrary:
    """Return the slides of the configured folders, scanned once."""
    folders = [*settings.slides, settings.demo, settings.uploads]
    there = [folder for folder in folders if folder.is_dir()]
    library = SlideLibrary(there, database, uploads=settings.uploads, demo=settings.demo)
    library.rescan()
    return library


def _size(library: SlideLibrary, slide_id: str) -> tuple[int, int]:
    entry = library.entry(slide_id)
    return entry.width, entry.height


@contextmanager
def worklist_errors() -> Iterator[None]:
    """Turn an error into a sentence and exit 1."""
    try:
        yield
    except (WorklistError, StorageError, ModelError) as error:
        sys.exit(str(error))
