"""The commands of `python -m pathviewer fuzz`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, help="Send random input to a test server; exit 1 on a fault."
)
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


@app.callback()
def group() -> None:
    """Send random input to a server started for the test; exit 1 on a fault."""


@app.command("requests")
def fuzz_requests(
    count: Annotated[int, typer.Option(min=1, help="Number of requests.")] = 50_000,
    seed: Annotated[int, typer.Option(help="Seed of the random requests.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Send random requests to every route; exit 1 on a 500, traceback, path or session leak."""
    with fuzz_errors():
        from pathviewer.fuzz.request_fuzz import fuzz_requests as run

        report = run(count, seed)
    if as_json:
        typer.echo(json.dumps(report.as_dict()))
    else:
        typer.echo("\n".join([report.sentence(), *report.examples]))
    if report.faults():
        raise typer.Exit(1)


@app.command("slides")
def fuzz_slides(
    copies: Annotated[int, typer.Option(min=1, help="Damaged copies of each seed.")] = 2_000,
    seed: Annotated[int, typer.Option(help="Seed of the damage.")] = 0,
    seeds: Annotated[
        Path | None, typer.Option(help="Folder of valid slides; small generated ones if not given.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Serve damaged slides; exit 1 if the server dies, hangs or reveals a path."""
    with fuzz_errors():
        from pathviewer.fuzz.slide_fuzz import fuzz_slides as run

        report = run(copies, seed, seeds)
    if as_json:
        typer.echo(json.dumps(report.as_dict()))
    else:
        typer.echo(report.sentence())
        for example in report.examples:
            typer.echo(example)
    if report.faults():
        raise typer.Exit(1)


@contextmanager
def fuzz_errors() -> Iterator[None]:
    """Turn an error into a sentence and exit 1; the commands need the test requirements."""
    from pathviewer.fuzz.program import FuzzError

    try:
        yield
    except ModuleNotFoundError as error:
        sys.exit(f"Fuzzing needs {error.name}: pip install -r requirements-dev.txt installs it.")
    except FuzzError as error:
        sys.exit(str(error))
