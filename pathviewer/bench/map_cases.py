"""Cases of `bench maps`: regions with the right trace put in."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from models.engines.local.engine import LocalEngine
from models.evaluation.ask_items import PromptWriter
from models.evidence import Target
from models.messages import (
    Completion,
    CompletionEnd,
    GenerateRequest,
    ImagePlacement,
    PixelBudget,
    Prompt,
    Sampling,
)
from models.pictures import open_picture
from models.placement import place_picture
from models.training.specimen.attention_check import (
    fullest_quadrant,
    reference_trace,
    write_neutral_answers,
    write_prompt,
)
from pathviewer.bench.known_regions import KnownRegion

Weights = NDArray[np.float32]
"""(rows, columns): how much a cell counts, by a method."""


@dataclass(frozen=True)
class Case:
    """A region with the right trace, as the methods get it."""

    region: KnownRegion
    """The region."""
    prompt: Prompt
    """The question about it."""
    neutral: Completion
    """The model's completion of the neutral question on it."""
    target: Target
    """The words of the right trace that name the quadrant."""
    tokens: range
    """Their tokens."""
    placement: ImagePlacement
    """Placement of the picture's cells."""

    @property
    def completion(self) -> Completion:
        """The right trace."""
        return Completion(self.target.text)

    @property
    def group(self) -> str:
        """The slide or tile that the region is of."""
        return self.region.item.group

    def is_right(self, weights: Weights) -> bool:
        """Whether a map's fullest quadrant is the right one."""
        return fullest_quadrant(weights) == self.region.item.gold


def make_cases(
    engine: LocalEngine, regions: Sequence[KnownRegion], write: PromptWriter
) -> Iterator[Case]:
    """Yield a case for each region."""
    items = [region.item for region in regions]
    for region, neutral in zip(regions, write_neutral_answers(engine, items, write), strict=True):
        trace, prompt = reference_trace(region.item), write_prompt(region.item, write)
        start, stop = trace.value
        target = Target(trace.text[:start], trace.text[start:stop], trace.text[stop:])
        (scores,) = engine.score([(prompt, Completion(trace.text))])
        size = open_picture(prompt.images[0].data).size
        yield Case(
            region=region,
            prompt=prompt,
            neutral=neutral,
            target=target,
            tokens=target.tokens(scores.token_ends),
            placement=place_picture(prompt.images[0].box, *size, own_budget(engine)),
        )


def own_budget(engine: LocalEngine) -> PixelBudget:
    """The pixel budget of the engine's model."""
    info = engine.status().info
    if info is None:
        raise RuntimeError("The engine is not ready.")
    return info.budget


def time_answer(engine: LocalEngine, case: Case) -> float:
    """Seconds of an answer with attention rows, as a page asks for it."""
    began = time.perf_counter()
    request = GenerateRequest(uuid4().hex, case.prompt, Sampling())
    for event in engine.generate(request):
        if isinstance(event, CompletionEnd):
            break
    return time.perf_counter() - began
