"""`python -m pathviewer ask`: one question about a region of a slide or a picture."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from models.deletion_check import CheckMethod, DeletionCheck, deletion_check
from models.engines.base import Engine
from models.engines.open_engine import open_engine
from models.errors import ModelError
from models.messages import Event, PixelBudget, QueueUpdate, Token
from models.registry import DEFAULT_MODEL
from pathviewer.commands.ask_output import as_json, plain, summary, write_overlays
from pathviewer.common.errors import UserError
from pathviewer.common.validation import read_value
from pathviewer.questions.ask import (
    INTERACTIVE_PRIORITY,
    CompletionResult,
    NeutralQuestionProgress,
    ask,
)
from pathviewer.questions.file_pictures import FilePictures
from pathviewer.questions.model_input import find_model
from pathviewer.questions.preparation import prepare_question
from pathviewer.questions.region_picture import RegionPicture
from pathviewer.questions.request import LEAST_PIXELS, MOST_PIXELS, QuestionRequest
from pathviewer.slides.geometry import Region
from storage.tables import LOCAL_ACCOUNT_ID


@dataclass(frozen=True)
class AskOptions:
    """Options of the command besides the question."""

    model: str
    """Name, hub id or folder."""
    overlay: Path | None
    """File for overlays; None writes none."""
    deletion: bool
    """Whether to run the deletion check."""
    as_json: bool
    """Whether to print one JSON object."""


def ask_command(
    slide: Annotated[Path, typer.Argument(help="Slide, or a PNG or JPEG picture.")],
    question: Annotated[str, typer.Argument(help="Text of the question.")],
    region: Annotated[
        str | None,
        typer.Option(metavar="X,Y,W,H", help="Level-0 pixels; the whole slide if not given."),
    ] = None,
    stain: Annotated[
        str | None, typer.Option(help="Stain to name beside the answer, such as H&E.")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="Answer option; give two or more.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="Model: name, hub id, folder, or `scripted`.")
    ] = DEFAULT_MODEL,
    overlay: Annotated[
        Path | None,
        typer.Option(metavar="PNG", help="Draw attention maps: PNG, PNG-step1 and so on."),
    ] = None,
    deletion: Annotated[
        bool, typer.Option("--deletion", help="Check whether the attended area mattered.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of drawn tokens.")] = 0,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest token.")] = 0.0,
    max_new_tokens: Annotated[int, typer.Option(help="Most tokens of the answer.")] = 512,
    max_pixels: Annotated[
        int | None,
        typer.Option(
            min=LEAST_PIXELS, max=MOST_PIXELS, help="Pixel budget; the model's own if not given."
        ),
    ] = None,
    as_json_object: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout.")
    ] = False,
) -> None:
    """Ask a model about a region; print its reasoning, its answer and where it attended."""
    with _sentences():
        options = AskOptions(model, _check_overlay(overlay), deletion, as_json_object)
        pictures = FilePictures(slide, find_model(model), stain)
        request = read_value(
            QuestionRequest,
            slide=slide.name,
            box=asdict(_region(region) or pictures.whole),
            question=question,
            options=option,
            sampling={"temperature": temperature, "seed": seed, "max_new_tokens": max_new_tokens},
            max_pixels=max_pixels,
        )
        _ask_and_report(pictures, request, options)


def _ask_and_report(pictures: FilePictures, request: QuestionRequest, options: AskOptions) -> None:
    """Ask, stream, draw, check and report; failures after the answer do not discard it."""
    question = prepare_question(request, LOCAL_ACCOUNT_ID, pictures, running=None)
    picture, budget = pictures.picture, question.budget
    identity = question.new_question.slide_identity
    failures: list[str] = []
    with closing(open_engine(options.model)) as backend:
        _say(backend.status().sentence)
        events = ask(backend, question.prompt, sampling=question.sampling, budget=budget)
        result = _stream(events, to_stderr=options.as_json)
        method = CheckMethod.of_model(pictures.model, result.started.model.revision)
        check = _check(backend, result, budget, method, failures) if options.deletion else None
    overlays = _overlays(options.overlay, picture, result, failures) if options.overlay else {}
    if options.as_json:
        typer.echo(json.dumps(as_json(result, identity, picture, overlays, check), allow_nan=False))
    else:
        typer.echo("\n".join(summary(result, identity, overlays, check)))
    for sentence in failures:
        _say(sentence)
    if failures:
        raise typer.Exit(1)


def _stream(
    events: Iterator[Event | NeutralQuestionProgress | CompletionResult], *, to_stderr: bool
) -> CompletionResult:
    """Print tokens as they arrive; return the completion."""
    for event in events:
        if isinstance(event, CompletionResult):
            typer.echo("\n", err=to_stderr)
            return event
        if isinstance(event, Token):
            typer.echo(plain(event.text), nl=False, err=to_stderr)
            (sys.stderr if to_stderr else sys.stdout).flush()
        elif isinstance(event, QueueUpdate) and event.position:
            _say(f"Waiting: {event.position} before this one.")
    raise ModelError("The model ended without an answer; ask again.")


def _check(
    backend: Engine,
    result: CompletionResult,
    budget: PixelBudget,
    method: CheckMethod,
    failures: list[str],
) -> DeletionCheck | None:
    """Run the deletion check on the answer, with the attention map of the whole completion."""
    _say("Checking whether the attended area mattered ...")
    answer, maps = result.trace.answer, result.passage_maps
    if not (answer and maps):
        failures.append("The deletion check needs an answer, and the model gave none.")
        return None
    prompt, attention_map = result.request.prompt, maps[-1].relative_or_raw[0]
    try:
        return deletion_check(
            backend,
            prompt,
            answer,
            attention_map,
            budget=budget,
            method=method,
            priority=INTERACTIVE_PRIORITY,
        )
    except ModelError as problem:
        failures.append(f"The deletion check failed: {problem}")
        return None


def _overlays(
    target: Path, picture: RegionPicture, result: CompletionResult, failures: list[str]
) -> dict[str, Path]:
    try:
        return write_overlays(target, picture, result)
    except OSError as problem:
        failures.append(
            f"The overlay cannot be written ({problem.strerror}); choose another --overlay."
        )
        return {}


def _region(text: str | None) -> Region | None:
    if text is None:
        return None
    try:
        x, y, width, height = (int(part) for part in text.split(","))
    except ValueError as error:
        message = f"{text!r} is not X,Y,W,H: four whole numbers of level-0 pixels."
        raise typer.BadParameter(message, param_hint="--region") from error
    return Region(x, y, width, height)


def _check_overlay(overlay: Path | None) -> Path | None:
    if overlay and overlay.name in ("", ".."):
        message = f"“{overlay}” has no file name to draw into; name one, such as seen.png."
        raise typer.BadParameter(message, param_hint="--overlay")
    return overlay


def _say(sentence: str) -> None:
    typer.echo(sentence, err=True)


@contextmanager
def _sentences() -> Iterator[None]:
    """Turn an error in reading, asking, answering or writing into a sentence and exit 1."""
    try:
        yield
    except (ModelError, UserError) as problem:
        _say(plain(str(problem)))
        raise typer.Exit(1) from problem
