"""Comparisons of answers written by `evaluate --out`.

`train compare`: two ways of training, over several seeds each. `train declining-cost`: the same
questions with and without the two ways to decline.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from pathviewer.commands.evaluation_table import percent, points, row
from pathviewer.commands.train_data import JsonOption, training_errors


def compare_command(
    questions: Annotated[Path, typer.Option(help="The questions that all runs were asked.")],
    first: Annotated[
        list[Path], typer.Option(help="Folder of `evaluate --out`; once for each seed.")
    ],
    second: Annotated[list[Path], typer.Option(help="The same for the other way of training.")],
    limit: Annotated[int | None, typer.Option(min=1, help="The value given to `evaluate`.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two ways of training over several seeds, by group."""
    with training_errors():
        from models.evaluation.question_sets import read_field_map, read_questions
        from models.evaluation.seed_comparison import pooled_figures, read_recorded_run
        from models.judges.base import process_judge
        from models.training.specimen.claims import MeasuredClaimsJudge

        items = read_questions(questions, read_field_map("own")).first(limit)
        figures = pooled_figures(
            items,
            [read_recorded_run(folder) for folder in first],
            [read_recorded_run(folder) for folder in second],
            process_judge(MeasuredClaimsJudge()),
        )
    typer.echo(json.dumps(figures) if as_json else "\n".join(_lines(figures)))


def declining_cost_command(
    questions: Annotated[Path, typer.Option(help="`questions.jsonl` of `train items`.")],
    answers: Annotated[Path, typer.Option(help="Folder of its `evaluate --out`.")],
    plain: Annotated[Path, typer.Option(help="`plain.jsonl` of the same `train items`.")],
    plain_answers: Annotated[Path, typer.Option(help="Folder of its `evaluate --out`.")],
    limit: Annotated[int | None, typer.Option(min=1, help="Most answers to the first.")] = None,
    plain_limit: Annotated[
        int | None, typer.Option(min=1, help="Most answers to the other.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure the cost of offering “none of these” and “cannot assess” where neither is right."""
    with training_errors():
        from models.evaluation.abstention_cost import abstention_cost
        from models.evaluation.question_sets import read_field_map, read_questions
        from models.evaluation.seed_comparison import read_recorded_run

        fields = read_field_map("own")
        figures = abstention_cost(
            read_questions(questions, fields).first(limit),
            read_recorded_run(answers),
            read_questions(plain, fields).first(plain_limit),
            read_recorded_run(plain_answers),
        )
    typer.echo(json.dumps(figures) if as_json else "\n".join(_cost_lines(figures)))


def _cost_lines(figures: Mapping[str, Any]) -> list[str]:
    """Format the results for a terminal."""
    low, high = figures["difference_low"], figures["difference_high"]
    span = "-" if low is None else f"[{points(low)}, {points(high)}]"
    return [
        row("questions", str(figures["n"])),
        row("offered", percent(figures["offered"])),
        row("not offered", percent(figures["plain"])),
        row("  cost of offering", f"{points(figures['difference'])} {span}"),
    ]


def _lines(figures: Mapping[str, Any]) -> list[str]:
    """Format the results for a terminal."""
    seeds = " and ".join(map(str, figures["seeds"]))
    lines = [row("questions", str(figures["n"]), f"seeds: {seeds}")]
    for name, key in (("accuracy", ""), ("process score", "process_")):
        if figures[f"{key}difference"] is None:
            continue
        low, high = figures[f"{key}difference_low"], figures[f"{key}difference_high"]
        span = f"{points(figures[f'{key}difference'])} [{points(low)}, {points(high)}]"
        by_seed = ", ".join(points(value) for value in figures[f"{key}by_seed"])
        lines += [
            row(f"{name}, first", ", ".join(percent(value) for value in figures[f"{key}first"])),
            row(f"{name}, second", ", ".join(percent(value) for value in figures[f"{key}second"])),
            row("  first minus second", span, f"p = {figures[f'{key}p']:.4f}"),
            row("  seed by seed", by_seed),
        ]
    return lines
