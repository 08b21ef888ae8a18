"""`python -m pathviewer train attention-check`: attention on the right quadrant, and its effect."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from models.engines.open_engine import open_engine
from models.evaluation.items import ItemSet
from models.evaluation.measurement import prompt_writer
from models.evaluation.question_sets import read_field_map, read_questions
from models.registry import resolve_model
from pathviewer.commands.evaluation_table import interval, percent, points, row
from pathviewer.commands.train_data import JsonOption, bar, training_errors


def attention_check_command(
    model: Annotated[str, typer.Option(help="Model: name, hub id or folder.")],
    questions: Annotated[Path, typer.Option(help="Questions as `train items` writes them.")],
    limit: Annotated[int | None, typer.Option(min=1, help="Most questions to ask.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the shuffled weights.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Measure whether a model attends to the quadrant it names and whether masking it hurts."""
    with training_errors():
        from models.training.specimen.attention_check import attention_check, with_quadrant
        from models.training.trainer.run_folder import find_start_folder
        from models.training.trainer.weight_shuffling import write_shuffled

        read = read_questions(questions, read_field_map("own"))
        items = ItemSet(tuple(with_quadrant(read.items))).first(limit).items
        write = prompt_writer(resolve_model(model))
        with tempfile.TemporaryDirectory() as folder:
            other = write_shuffled(find_start_folder(model), Path(folder) / "shuffled", seed=seed)
            backend, shuffled = open_engine(model), open_engine(str(other))
            try:
                with bar("Looking", len(items)) as step:
                    figures = attention_check(backend, shuffled, items, write, step)
            finally:
                backend.close()
                shuffled.close()
    typer.echo(json.dumps(figures) if as_json else "\n".join(_lines(figures)))


def _lines(figures: Mapping[str, Any]) -> list[str]:
    """Format the results for a terminal."""
    verdicts = ", ".join(f"{name} {count}" for name, count in figures["verdicts"].items())
    low, high = figures["difference_low"], figures["difference_high"]
    span = f"{points(figures['difference'])} [{points(low)}, {points(high)}]"
    return [
        f"{figures['model']} ({figures['revision'][:12]})",
        row("phantom regions", f"{figures['n']} in {figures['groups']} groups"),
        row("right quadrant", interval(figures, "right"), f"chance {percent(figures['chance'])}"),
        row("weights shuffled", interval(figures, "shuffled")),
        row("difference", span, f"p = {figures['p']:.4f}"),
        row("attention on the region", percent(figures["image_share"])),
        row(
            "masking hurts more",
            interval(figures, "masking_hurts_more"),
            f"than elsewhere; chance 50 %; p = {figures['masking_p']:.4f}",
        ),
        row("times less likely", f"{figures['masking_factor']:.2f}"),
        row("verdicts", verdicts),
    ]
