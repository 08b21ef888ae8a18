"""What evidence maps claim of questions about a place, a blank picture or nothing in the picture.

Each question is answered by the model itself, and the claim is that of its whole answer. Only
questions about a place may be said to depend on one.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from uuid import uuid4

import numpy as np
from PIL import Image, ImageFilter

from models.engines.local.engine import LocalEngine
from models.evaluation.ask_items import PromptWriter
from models.evidence import CLAIMS, Claim, EvidenceFinder, EvidenceMap, Target
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
from pathviewer.bench.map_cases import Case, own_budget

CLAIM_NAMES: tuple[Claim, ...] = ("place", "region", "none")
BLUR = 30.0
"""Standard deviation of the blur of a picture without form, px."""
IRRELEVANT = (
    ("What is the capital of France?", ("Paris", "Rome", "Madrid")),
    ("Which dye stains nuclei blue?", ("haematoxylin", "eosin", "silver")),
    ("What is two plus two?", ("three", "four", "five")),
)
"""Questions whose answer is not in the picture, with their options."""


def measure_claims(
    engine: LocalEngine, cases: Sequence[Case], write: PromptWriter
) -> dict[str, dict[str, float]]:
    """By kind of question: its number `n`, and the share of each claim."""
    claims: dict[str, list[Claim]] = {"a place": [], "blank": [], "irrelevant": []}
    for case in cases:
        for kind, prompt in _list_prompts(case, write):
            claim = find_claim(engine, prompt)
            if claim is not None:
                claims[kind].append(claim)
    return {
        kind: {"n": len(found)}
        | {claim: found.count(claim) / max(1, len(found)) for claim in CLAIM_NAMES}
        for kind, found in claims.items()
    }


def find_claim(engine: LocalEngine, prompt: Prompt) -> Claim | None:
    """What the model's whole answer to a prompt depends on; None for an empty answer."""
    completion = _answer(engine, prompt)
    if not completion.text:
        return None
    picture = prompt.images[0]
    size = open_picture(picture.data).size
    placement = place_picture(picture.box, *size, own_budget(engine))
    finder = EvidenceFinder(engine, prompt, placement)
    rows = finder.occlude(completion)
    tokens = range(len(rows.baseline))
    evidence = EvidenceMap(0, placement, rows.cell_map(tokens), rows.loss_of_all(tokens))
    return CLAIMS[finder.test(Target("", completion.text, ""), evidence).verdict]


def _list_prompts(case: Case, write: PromptWriter) -> Iterator[tuple[str, Prompt]]:
    """Yield kind and prompt of each question made of a case."""
    item = case.region.item
    yield "a place", case.prompt
    picture = open_picture(case.prompt.images[0].data)
    mean = np.rint(np.asarray(picture).mean((0, 1))).astype(int).tolist()
    for blank in (
        Image.new("RGB", picture.size, "white"),
        Image.new("RGB", picture.size, tuple(mean)),
        picture.filter(ImageFilter.GaussianBlur(BLUR)),
    ):
        yield "blank", write(item, _as_png(blank))
    for question, options in IRRELEVANT:
        asked = replace(item, question=question, options=options, gold=options[0])
        yield "irrelevant", write(asked, case.prompt.images[0])


def _answer(engine: LocalEngine, prompt: Prompt) -> Completion:
    request = GenerateRequest(uuid4().hex, prompt, Sampling(), attention=False)
    (end,) = [event for event in engine.generate(request) if isinstance(event, CompletionEnd)]
    return end.completion


def _as_png(picture: Image.Image) -> PromptImage:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return PromptImage(out.getvalue(), Box(0, 0, *picture.size))
