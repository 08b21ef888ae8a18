"""What evidence maps claim of questions about a place, a blank picture or nothing in the picture.

Each question is answered by the model itself; claims are counted for whole answers and for their
steps. Only questions about a place should be said to depend on one. A model may yet answer an
irrelevant question from the picture, so the right answer is also put in.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import numpy as np
from PIL import Image, ImageFilter

from models.engines.local.engine import LocalEngine
from models.evaluation.ask_items import PromptWriter
from models.evidence import CLAIMS, Claim, EvidenceFinder, EvidenceMap, Target, find_target
from models.messages import (
    Box,
    Completion,
    CompletionEnd,
    GenerateRequest,
    Prompt,
    PromptImage,
    Sampling,
)
from models.pictures import open_picture
from models.placement import place_picture
from models.reasoning.trace import parse
from models.resampling import share_interval
from pathviewer.bench.map_cases import Case, own_budget

CLAIM_NAMES: tuple[Claim, ...] = ("place", "region", "none")
BLUR = 30.0
"""Standard deviation of the blur of a picture without form, px."""
IRRELEVANT = (
    ("What is the capital of France?", ("Paris", "Rome", "Madrid"), "The capital is Paris."),
    ("Which dye stains nuclei blue?", ("haematoxylin", "eosin", "silver"), "Haematoxylin does."),
    ("What is two plus two?", ("four", "three", "five"), "Two and two are four."),
)
"""Questions whose answer is not in the picture; options with the right one first; a reason."""


@dataclass(frozen=True)
class Claims:
    """What was claimed of one completion."""

    completion: Claim
    """Of the whole completion."""
    steps: tuple[Claim, ...]
    """Of each step."""


def measure_claims(
    engine: LocalEngine, cases: Sequence[Case], write: PromptWriter
) -> dict[str, dict[str, Any]]:
    """By kind of question: number of whole answers and of steps, and the share of each claim."""
    found: dict[str, list[tuple[str, Claims]]] = {}
    for case in cases:
        for kind, prompt, completion in _list_questions(case, write):
            claims = find_claims(engine, prompt, completion or _answer(engine, prompt))
            if claims is not None:
                found.setdefault(kind, []).append((case.group, claims))
    return {
        kind: {
            "whole": _shares([(group, each.completion) for group, each in claims]),
            "steps": _shares([(group, step) for group, each in claims for step in each.steps]),
        }
        for kind, claims in found.items()
    }


def find_claims(engine: LocalEngine, prompt: Prompt, completion: Completion) -> Claims | None:
    """What a completion and its steps depend on; None if it is empty."""
    if not completion.text:
        return None
    picture = prompt.images[0]
    size = open_picture(picture.data).size
    placement = place_picture(picture.box, *size, own_budget(engine))
    finder = EvidenceFinder(engine, prompt, placement)
    rows, trace = finder.occlude(completion), parse(completion.text)
    ends = completion.token_ends or finder.score(Target("", completion.text, "")).token_ends

    def claim(passage: str) -> Claim | None:
        target = find_target(trace, completion.text, passage)
        if target is None or not target.words.strip():
            return None
        tokens = target.tokens(ends)
        evidence = EvidenceMap(0, placement, rows.cell_map(tokens), rows.loss_of_all(tokens))
        return CLAIMS[finder.test(target, evidence).verdict]

    steps = [claim(f"step {number}") for number in range(1, len(trace.steps) + 1)]
    return Claims(claim("all") or "none", tuple(each for each in steps if each))


def _shares(claims: Sequence[tuple[str, Claim]]) -> dict[str, Any]:
    """Number of claims and share of each, with 95 % intervals over the groups."""
    row: dict[str, Any] = {"n": len(claims)}
    groups = [group for group, _ in claims]
    for name in CLAIM_NAMES:
        interval = share_interval([float(claim == name) for _, claim in claims], groups)
        row[name] = interval.mean if interval else None
        row |= {f"{name}_low": interval.low, f"{name}_high": interval.high} if interval else {}
    return row


def _list_questions(
    case: Case, write: PromptWriter
) -> Iterator[tuple[str, Prompt, Completion | None]]:
    """Yield kind, prompt and, if put in, the completion of each question made of a case."""
    item, image = case.region.item, case.prompt.images[0]
    yield "a place", case.prompt, None
    picture = open_picture(image.data)
    mean = np.rint(np.asarray(picture).mean((0, 1))).astype(int).tolist()
    for blank in (
        Image.new("RGB", picture.size, "white"),
        Image.new("RGB", picture.size, tuple(mean)),
        picture.filter(ImageFilter.GaussianBlur(BLUR)),
    ):
        yield "blank", write(item, _as_png(blank)), None
    for question, options, why in IRRELEVANT:
        asked = replace(item, question=question, options=options, gold=options[0])
        right = Completion(f"<think>\n1. {why}\n</think>\n<answer>A</answer>")
        yield "irrelevant", write(asked, image), None
        yield "irrelevant, right answer put in", write(asked, image), right


def _answer(engine: LocalEngine, prompt: Prompt) -> Completion:
    request = GenerateRequest(uuid4().hex, prompt, Sampling(), attention=False)
    (end,) = [event for event in engine.generate(request) if isinstance(event, CompletionEnd)]
    return end.completion


def _as_png(picture: Image.Image) -> PromptImage:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return PromptImage(out.getvalue(), Box(0, 0, *picture.size))
