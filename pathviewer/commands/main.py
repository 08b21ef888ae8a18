"""The commands of `python -m pathviewer`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from models.registry import DEFAULT_MODEL
from pathviewer.bench.ask import bench_ask
from pathviewer.bench.insights import bench_insights
from pathviewer.bench.model_commands import bench_attention, bench_maps, bench_model, bench_training
from pathviewer.commands.ask import ask_command
from pathviewer.commands.cases import app as cases_app
from pathviewer.commands.demo_slide import demo_slide_command
from pathviewer.commands.evaluate import evaluate_command
from pathviewer.commands.export import check_export_command, export_command
from pathviewer.commands.fuzz import app as fuzz_app
from pathviewer.commands.judge import judge_command
from pathviewer.commands.model import app as model_app
from pathviewer.commands.openapi import openapi_command
from pathviewer.commands.operations import (
    audit_command,
    backup_command,
    restore_command,
    withdraw_command,
)
from pathviewer.commands.train import app as train_app
from pathviewer.commands.user import app as user_app
from pathviewer.commands.worklist import app as worklist_app
from pathviewer.server.packaging import bake, space
from pathviewer.settings import read_settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="Ask a pathology vision-language model about a whole-slide image. Not for diagnosis.",
)
bench_app = typer.Typer(
    no_args_is_help=True, help="Benchmarks of this machine, as ratios to a peer."
)
bench_app.command("attention")(bench_attention)
bench_app.command("insights")(bench_insights)
bench_app.command("maps")(bench_maps)
bench_app.command("model")(bench_model)
bench_app.command("training")(bench_training)
bench_app.command("ask")(bench_ask)
doctor_app = typer.Typer(help="Check that the program can run here, and examine slides.")
app.command("openapi")(openapi_command)
app.add_typer(doctor_app, name="doctor")
app.add_typer(user_app, name="user")
app.add_typer(bench_app, name="bench")
app.add_typer(fuzz_app, name="fuzz")
app.add_typer(cases_app, name="cases")
app.add_typer(worklist_app, name="worklist")
app.add_typer(model_app, name="model")
app.add_typer(train_app, name="train")
app.command("demo-slide")(demo_slide_command)
app.command("ask")(ask_command)
app.command("judge")(judge_command)
app.command("evaluate")(evaluate_command)
app.command("export")(export_command)
app.command("check-export")(check_export_command)
app.command("backup")(backup_command)
app.command("restore")(restore_command)
app.command("withdraw")(withdraw_command)
app.command("audit")(audit_command)
app.command("bake")(bake)
app.command("space")(space)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="TCP port; 0 picks a free one.")] = None,
    slides: Annotated[list[Path] | None, typer.Option(help="Folder of slides; repeatable.")] = None,
    data: Annotated[Path | None, typer.Option(help="State folder.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Model that answers: a name, a folder, scripted or none.")
    ] = None,
    public_demo: Annotated[
        bool | None, typer.Option("--public-demo", help="Open to anyone, demo slide only.")
    ] = None,
) -> None:
    """Start the server, as `python app.py` does."""
    from pathviewer.server.run import serve as run

    options = {
        "host": host,
        "port": port,
        "slides": tuple(slides) if slides else None,
        "data": data,
        "model": model,
        "public_demo": public_demo,
    }
    run(read_settings(**{name: value for name, value in options.items() if value is not None}))


@doctor_app.callback(invoke_without_command=True)
def doctor(
    context: typer.Context,
    as_json: JsonOption = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="Close the state folder to other accounts first.")
    ] = False,
) -> None:
    """Check that the program can run here; exit 1 if it cannot."""
    if context.invoked_subcommand is not None:
        return
    from pathviewer.commands.doctor import examine

    checks = examine(read_settings(), fix=fix)
    if as_json:
        typer.echo(json.dumps({"checks": [check.as_dict() for check in checks]}))
    else:
        for check in checks:
            typer.echo(f"{check.verdict:<8} {check.subject}: {check.sentence}")
    if any(check.fatal for check in checks):
        raise typer.Exit(1)


@doctor_app.command("slides")
def doctor_slides(
    folder: Annotated[Path, typer.Argument(help="Folder of slides, including subfolders.")],
    as_json: JsonOption = False,
) -> None:
    """Report which slides of a folder can be shown and why others cannot; exit 1 if any cannot."""
    from pathviewer.commands.doctor_slides import examine_folder, table

    try:
        report = examine_folder(folder.resolve(), read_settings())
    except OSError as error:
        sys.exit(f"The folder cannot be read: {error.strerror}.")
    if as_json:
        typer.echo(json.dumps(report.as_dict()))
    else:
        for line in table(report):
            typer.echo(line)
    if report.has_faults:
        raise typer.Exit(1)


@app.command()
def limits() -> None:
    """Print every limit with its default and the behaviour beyond it, as in docs/limits.md."""
    from pathviewer.commands.limits import limits_page

    typer.echo(limits_page(), nl=False)


@app.command()
def blinding() -> None:
    """Print who may see what, and when, as in docs/blinding.md."""
    from pathviewer.commands.blinding import blinding_page

    typer.echo(blinding_page(), nl=False)


@bench_app.command("tiles")
def bench_tiles(
    slide: Annotated[
        Path | None, typer.Option(help="JPEG slide to serve; a large phantom if not given.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="Length of one load.")] = 3.0,
    rounds: Annotated[int, typer.Option(help="Rounds; the servers alternate.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Measure tiles per second against the server's limit and DeepZoomGenerator."""
    with bench_errors():
        from pathviewer.bench.tiles import bench_tiles as run

        run(slide, seconds, rounds, as_json)


@bench_app.command("readers")
def bench_readers(
    rounds: Annotated[int, typer.Option(min=3, help="Pairs of each kind of work.")] = 60,
    json_output: JsonOption = False,
) -> None:
    """Measure the cost of reading slides in separate processes."""
    with bench_errors():
        from pathviewer.bench.readers import bench_readers as run

        run(rounds, json_output)


@bench_app.command("viewer")
def bench_viewer(
    slide: Annotated[
        Path | None, typer.Option(help="Slide to zoom into; a large phantom if not given.")
    ] = None,
    rounds: Annotated[int, typer.Option(help="Rounds; the viewers alternate.")] = 5,
    as_json: JsonOption = False,
) -> None:
    """Measure seven zooms in a real browser against DeepZoomGenerator."""
    with bench_errors():
        from pathviewer.bench.viewer import bench_viewer as run

        run(slide, as_json, rounds)


@bench_app.command("storage")
def bench_storage(
    connections: Annotated[int, typer.Option(min=1, help="Connections that write.")] = 50,
    rate: Annotated[float, typer.Option(min=1, help="Submissions per second, in total.")] = 300,
    seconds: Annotated[float, typer.Option(min=1, help="Length of the load.")] = 20.0,
    kills: Annotated[
        int, typer.Option(min=0, help="Further kills of server, model and readers, one at a time.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Seed of these kills.")] = 0,
    model: Annotated[
        str, typer.Option(help="Model that answers during these kills.")
    ] = DEFAULT_MODEL,
    database_url: Annotated[
        str, typer.Option(help="Empty database to use; SQLite in a new folder if not given.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Submit feedback of many raters over HTTP while processes are killed; measure speed and
    loss."""
    with bench_errors():
        from pathviewer.bench.storage import KillOptions
        from pathviewer.bench.storage import bench_storage as run
        from pathviewer.bench.storage_load import Pace

        pace, killing = Pace(connections, rate), KillOptions(kills, seed, model)
        run(pace, seconds, database_url, killing, as_json)


@bench_app.command("soak")
def bench_soak(
    people: Annotated[int, typer.Option(min=2, help="Honest accounts.")] = 100,
    minutes: Annotated[float, typer.Option(min=0.1, help="Length of the load.")] = 10.0,
    model: Annotated[str, typer.Option(help="Model of the first server.")] = DEFAULT_MODEL,
    seed: Annotated[int, typer.Option(help="Seed of views and moments.")] = 0,
    hostile_slides: Annotated[
        bool, typer.Option(help="The hostile account uploads hostile slides.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Simulate people who view, ask and judge beside a hostile account, with a kill at the end."""
    with bench_errors():
        from pathviewer.bench.soak import SoakOptions
        from pathviewer.bench.soak import bench_soak as run

        run(SoakOptions(people, minutes, model, seed, hostile_slides), as_json)


@contextmanager
def bench_errors() -> Iterator[None]:
    """Turn an error into a sentence and exit 1; benchmarks need the test requirements."""
    from pathviewer.bench.load import LoadError

    try:
        yield
    except ModuleNotFoundError as error:
        sys.exit(f"Benchmarks need {error.name}: pip install -r requirements-dev.txt installs it.")
    except LoadError as error:
        sys.exit(str(error))


def serve_command() -> None:
    """Run `serve` with its options, for `python app.py`."""
    alone = typer.Typer(add_completion=False, pretty_exceptions_show_locals=False)
    alone.command()(serve)
    alone(prog_name="app.py")
