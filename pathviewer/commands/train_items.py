"""`python -m pathviewer train items` and `train baseline`: references for a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.errors import ModelError
from pathviewer.commands.train_data import JsonOption, Out, bar, training_errors

if TYPE_CHECKING:
    from models.training.specimen.colour_baseline import Baseline, BaselineColour

Data = Annotated[list[Path], typer.Option("--data", help="Data folder; repeatable.")]


def items_command(
    data: Data,
    out: Out,
    split: Annotated[str, typer.Option(help="train, rl, validation or test.")] = "test",
    count: Annotated[int, typer.Option(help="Questions to write.")] = 1500,
    seed: Annotated[int, typer.Option(help="Seed of the choice of pictures and options.")] = 1,
) -> None:
    """Write a fixed set of questions with pictures for `evaluate --questions`."""
    with training_errors():
        from models.training.data.item_files import write_items
        from models.training.data.items import make_items
        from models.training.data.tiles import read_tiles

        tiles = [tile for folder in data for tile in read_tiles(folder)]
        with bar("Making questions", count) as step:
            items = make_items(tiles, split, count=count, seed=seed)
            result = write_items(items, out, step)
        for name, lines in result.items():
            typer.echo(f"{name}: {lines} questions", err=True)


def baseline_command(
    data: Data,
    colour: Annotated[
        str | None, typer.Option(help="as-is, grey, or none (equalised); all three by default.")
    ] = None,
    split: Annotated[str, typer.Option(help="Split to score.")] = "test",
    seed: Annotated[int, typer.Option(help="Seed of the forest.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Measure diagnosis from colour statistics alone, a baseline for a model's accuracy."""
    with training_errors():
        from models.training.specimen.colour_baseline import measure_baselines

        with bar("Reading tiles", None) as step:
            baselines = measure_baselines(
                data, colours=_colours(colour), split=split, seed=seed, progress=step
            )
    if as_json:
        typer.echo(json.dumps({"baselines": [each.as_dict() for each in baselines]}))
        return
    for each in baselines:
        typer.echo(_sentence(each))


def _colours(name: str | None) -> tuple[BaselineColour, ...]:
    from models.training.specimen.colour_baseline import COLOURS

    if name is None:
        return COLOURS
    colours = tuple(colour for colour in COLOURS if colour == name)
    if not colours:
        message = f"--colour {name} is none of {', '.join(COLOURS)}."
        raise ModelError(message)
    return colours


def _sentence(baseline: Baseline) -> str:
    share = baseline.accuracy
    classes = ", ".join(f"{name} {value:.1%}" for name, value in baseline.per_class.items())
    return (
        f"{baseline.colour:<6} {share.mean:.1%} ({share.low:.1%} to {share.high:.1%}) of {share.n} "
        f"tiles, {share.groups} groups; {classes}"
    )
