"""`python -m pathviewer train recipe`: all steps from random weights to a checkpoint."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.errors import ModelError
from pathviewer.commands.train_data import MOST_PRINTED_PAIRS, bar, training_errors
from pathviewer.commands.train_stages import Processes, Seed, share_stage

if TYPE_CHECKING:
    from models.training.recipe import Recipe, Step

FIGURES = {"vision": "validation_colour", "align": "validation_last", "sft": "validation_last"}
"""Printed metric of a stage: share of tissues named correctly, or of last words."""

IMPORT = "python -m pathviewer train data import --from FOLDER"
"""Command for a data folder that the recipe does not describe."""


def recipe_command(
    name: Annotated[str, typer.Argument(help="Folder of models/recipes, such as `tiny`.")],
    out: Annotated[Path, typer.Option(help="Folder of the runs, one folder per step.")],
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", help="Replaces the recipe's data folder of the same name."),
    ] = None,
    seed: Seed = None,
    processes: Processes = 1,
    first: Annotated[str | None, typer.Option("--from", help="First step, by name.")] = None,
    last: Annotated[str | None, typer.Option("--until", help="Last step, by name.")] = None,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Two optimiser steps each, on generated phantoms.")
    ] = False,
) -> None:
    """Run a recipe's steps in order; a second run resumes where the first stopped."""
    with training_errors():
        from models.training.recipe import data_makers, read_recipe
        from models.training.recipe_run import checkpoint_of, is_finished

        if smoke and (data or processes > 1):
            message = (
                "--smoke makes its own tiles in one process; leave out --data and --processes."
            )
            raise ModelError(message)
        if smoke:
            data = [out / "data" / folder.name for folder in data_makers(name)]
        recipe = read_recipe(name, data=data or (), seed=seed, smoke=smoke)
        steps = recipe.between(first, last)
        unfinished = [step for step in steps if not is_finished(step, out)]
        folders = list(dict.fromkeys(folder for step in unfinished for folder in step.data))
        if smoke:
            _write_tiles(folders)
        _check_data(recipe, folders)
        for step in steps:
            _run(step, out, processes, seed)
        typer.echo(f"The last checkpoint is {checkpoint_of(out, steps[-1].name)}.")


def _run(step: Step, runs: Path, processes: int, seed: int | None) -> None:
    """Run a step and print its line."""
    from models.training.recipe_run import last_figures, run_step

    loop: Any = getattr(step.config, "loop", None)
    train = None
    if loop is not None:
        count = min(processes, loop.accumulate)
        train = share_stage(step.stage, count, step.path, list(step.data), seed)
    started = time.monotonic()
    result: str = run_step(step, runs, train)
    seconds = time.monotonic() - started
    figure = last_figures(runs / step.name).get(FIGURES.get(step.stage, ""))
    if figure is not None:
        result += f", {FIGURES[step.stage]} {figure:.3f}"
    typer.echo(f"{step.name:<28} {step.stage:<8} {seconds:9.1f} s  {result}")


def _write_tiles(folders: Sequence[Path]) -> None:
    from pathviewer.commands.smoke_tiles import write_smoke_tiles

    write_smoke_tiles(folders)


def _check_data(recipe: Recipe, folders: Sequence[Path]) -> None:
    """Stop if a data folder is missing, or if a group or picture is in two splits."""
    from models.training.data.split_proof import check_folders
    from models.training.data.tiles import MANIFEST

    missing = [folder for folder in folders if not (folder / MANIFEST).is_file()]
    if missing:
        commands = {path.name: command for path, command in recipe.makers.items()}
        lines = [
            f"  {commands.get(folder.absolute().name, IMPORT)} --out {folder}" for folder in missing
        ]
        message = "Data folders are missing; these commands create them:\n" + "\n".join(lines)
        raise ModelError(message)
    if not folders:
        return
    with bar("Comparing pictures", None) as step:
        finding = check_folders(folders, progress=step)
    for sentence in finding.sentences(MOST_PRINTED_PAIRS):
        typer.echo(sentence, err=True)
    if finding.has_overlap:
        raise typer.Exit(1)
