"""`python -m pathviewer evaluate`: measure a model on pictures with known answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from models.engines.open_engine import SCRIPT_PREFIX, open_engine
from models.errors import ModelError
from models.evaluation.ask_items import EvaluationPlan
from models.evaluation.control_pictures import PictureControl
from models.evaluation.items import EvaluationError, ItemSet, read_manifest
from models.evaluation.measurement import (
    Measurement,
    compare_figures,
    diagnosis_question,
    known_labels,
    measure,
    measurement_figures,
    prompt_writer,
)
from models.evaluation.question_sets import read_field_map, read_questions
from models.judges.base import process_judge
from models.messages import PixelBudget, Sampling
from models.registry import RegisteredModel, resolve_model
from models.training.specimen.claims import MeasuredClaimsJudge
from pathviewer.commands.evaluation_table import lines


@dataclass(frozen=True)
class QuestionSource:
    """Source of the questions."""

    data: Path | None
    """Folder with manifest.csv, or with the pictures of `questions`."""
    questions: Path | None
    """File of questions; None makes diagnosis questions from the manifest."""
    fields: str
    """Name or file of the field map."""
    split: str | None
    """Only this split; None takes all."""
    question: str | None
    """Question about every picture of a manifest; None takes the model's."""
    labels: tuple[str, ...]
    """Labels that the model knows; empty means the model's own, or all in the manifest."""
    abstentions: bool
    """Whether to offer "none of these" and similar options with a manifest's labels."""

    def read(self, model: RegisteredModel) -> ItemSet:
        """Return the questions for a model; EvaluationError if there are none."""
        if self.questions:
            fields = read_field_map(self.fields)
            return read_questions(self.questions, fields, folder=self.data, split=self.split)
        if self.data is None:
            raise EvaluationError("Name a folder with manifest.csv by --data, or --questions.")
        return read_manifest(
            self.data,
            question=self.question or diagnosis_question(model),
            split=self.split,
            known_labels=self.labels or known_labels(model),
            abstentions=self.abstentions,
        )


def evaluate_command(
    model: Annotated[str, typer.Option(help="Model: name, hub id or folder.")],
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with manifest.csv (path,label,group_id and maybe split)."),
    ] = None,
    questions: Annotated[
        Path | None, typer.Option(help="Questions as .jsonl or .json; pictures beside it.")
    ] = None,
    fields: Annotated[
        str, typer.Option(help="Field names: own, pathmmu, pathvqa, omnimedvqa or a TOML file.")
    ] = "own",
    split: Annotated[str | None, typer.Option(help="Only questions of this split.")] = None,
    compare: Annotated[
        str | None, typer.Option(help="Second model, to compare with the first.")
    ] = None,
    colour: Annotated[
        Literal["as-is", "none"],
        typer.Option(help="`none`: grey and histogram-equalised, leaving only form."),
    ] = "as-is",
    no_image: Annotated[bool, typer.Option("--no-image", help="Blank every picture.")] = False,
    permute_options: Annotated[
        bool, typer.Option("--permute-options", help="Ask again with options in another order.")
    ] = False,
    free_form: Annotated[
        bool, typer.Option("--free-form", help="Ask again without options.")
    ] = False,
    other_image: Annotated[
        bool,
        typer.Option("--other-image", help="Ask again about a picture with another answer."),
    ] = False,
    other_colours: Annotated[
        bool,
        typer.Option("--other-colours", help="Ask again in the colours of such a picture."),
    ] = False,
    known: Annotated[
        list[str] | None,
        typer.Option(help="Label of the manifest that the model knows; repeatable."),
    ] = None,
    abstentions: Annotated[
        bool, typer.Option(help="Offer “none of these” with a manifest's labels.")
    ] = True,
    question: Annotated[
        str | None, typer.Option(help="Question about every picture of a manifest.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the answers; an interrupted run resumes from it."),
    ] = None,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", help="Ask only questions of this type; repeatable."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Most questions to ask.")] = None,
    max_new_tokens: Annotated[int, typer.Option(help="Most tokens of an answer.")] = 512,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest token.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of drawn tokens.")] = 0,
    max_pixels: Annotated[
        int | None, typer.Option(help="Most pixels of a picture; by default the model's own.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure accuracy with intervals by group, with controls; optionally compare two models."""
    with evaluation_errors(out):
        source = QuestionSource(
            data, questions, fields, split, question, tuple(known or ()), abstentions
        )
        items = source.read(describe_model(model)).of_types(types or ()).first(limit)
        plan = EvaluationPlan(
            Sampling(max_new_tokens=max_new_tokens, temperature=temperature, seed=seed),
            PictureControl(colour, no_image),
            permute_options,
            free_form,
            other_image,
            other_colours,
            _budget(max_pixels),
        )
        report_skipped(items)
        first = ask_model(model, items, plan, out, "answers")
        found = measurement_figures(first, items)
        if compare is not None:
            second = ask_model(compare, items, plan, out, "answers-compared")
            found = compare_figures(first, second, items)
    sys.stdout.write((json.dumps(found) if as_json else "\n".join(lines(found))) + "\n")


def ask_model(
    name: str, items: ItemSet, plan: EvaluationPlan, out: Path | None, file: str
) -> Measurement:
    """Open a model, ask it the questions with a progress bar, and close it."""
    write = prompt_writer(describe_model(name))
    backend = open_engine(name)
    try:
        with typer.progressbar(
            length=1, label=Path(name).name, file=sys.stderr, show_pos=True, show_eta=True
        ) as bar:

            def progress(done: int, total: int) -> None:
                bar.length = total
                bar.update(done - bar.pos)

            path = out / f"{file}.jsonl" if out else None
            judge = process_judge(MeasuredClaimsJudge())
            return measure(backend, write, items, plan, out=path, judge=judge, progress=progress)
    finally:
        backend.close()


def describe_model(name: str) -> RegisteredModel:
    """Return the registry entry before the model is loaded; a script's entry is `scripted`."""
    return resolve_model("scripted" if name.startswith(SCRIPT_PREFIX) else name)


def report_skipped(items: ItemSet) -> None:
    """Print on stderr which questions are skipped, the first few by name."""
    shown = 5
    for sentence in items.skipped[:shown]:
        typer.echo(f"Skipped. {sentence}", err=True)
    if len(items.skipped) > shown:
        typer.echo(f"Skipped {len(items.skipped) - shown} more.", err=True)


@contextmanager
def evaluation_errors(out: Path | None) -> Iterator[None]:
    """Turn errors into sentences; after an interrupt, print how to resume."""
    try:
        yield
    except ModelError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        hint = f"The answers so far are in {out.name}; the same command resumes." if out else ""
        sys.exit(f"Interrupted. {hint or 'The answers are lost; --out FOLDER would save them.'}")


def _budget(max_pixels: int | None) -> PixelBudget | None:
    """Return the requested pixel budget."""
    return None if max_pixels is None else PixelBudget(min(3_136, max_pixels), max_pixels)
