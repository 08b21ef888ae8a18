"""`bench maps`: do maps point at the evidence, and does what they point at matter?

Phantom regions have a known quadrant with most nuclei. The right trace is put in, and each method
maps the evidence for the words that name the quadrant. The top tenth of a map is masked, and so
are places of the same shape elsewhere: the map's place matters if masking it hurts the words more.
Two controls test the fill that masks: the true evidence must matter, and a random map must not.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from models.attention import attention_map, normalise_map
from models.deletion_check import answer_probability, draw_other_masks
from models.engines.local.engine import LocalEngine
from models.evaluation.ask_items import PromptWriter
from models.evaluation.measurement import prompt_writer
from models.fills import FILLS
from models.messages import (
    Completion,
    CompletionEnd,
    GenerateRequest,
    ImagePlacement,
    OcclusionRequest,
    Prompt,
    Sampling,
)
from models.occlusion import list_places
from models.pictures import as_prompt_image, open_picture
from models.placement import place_picture
from models.reasoning.trace import token_span
from models.registry import RegisteredModel
from models.resampling import share_interval
from models.training.specimen.attention_check import (
    fullest_quadrant,
    neutral_prompt,
    reference_trace,
    write_neutral_answers,
    write_prompt,
)
from models.training.trainer.weight_shuffling import write_shuffled
from pathviewer.bench.phantom_regions import PhantomRegion, draw_regions

Weights = NDArray[np.float32]

TOP_SHARE = 0.1
"""Share of the cells that is masked."""
OTHER_PLACES = 8
"""Masked places elsewhere, for comparison."""
TRUTH, RANDOM, SHUFFLED = "true evidence", "random", "shuffled weights"


@dataclass(frozen=True)
class Case:
    """A region with the right trace, as the methods get it."""

    region: PhantomRegion
    """The region."""
    prompt: Prompt
    """The question about it."""
    neutral: Completion
    """The model's completion of the neutral question on it."""
    completion: Completion
    """The right trace."""
    words: tuple[int, int]
    """Characters of the completion that name the quadrant, (start, stop)."""
    tokens: range
    """Their tokens."""
    placement: ImagePlacement
    """Placement of the picture's cells."""


def map_attention(engine: LocalEngine, case: Case) -> Weights:
    """Attention of the words, relative to that of a neutral question."""
    rows = engine.attend(case.prompt, case.completion)
    neutral = engine.attend(neutral_prompt(case.prompt), case.neutral)
    raw = attention_map(rows, (case.placement,), 0, case.tokens)
    plain = attention_map(neutral, (case.placement,), 0, range(len(neutral.rows)))
    return normalise_map(raw, plain).weights


def map_occlusion(engine: LocalEngine, case: Case, sides: tuple[int, ...] = (1,)) -> Weights:
    """Log-probability that the words lose with each place occluded; gains count as nothing."""
    places = list_places(case.placement, sides)
    request = OcclusionRequest(uuid4().hex, case.prompt, case.completion, places)
    return np.maximum(engine.occlude(request).cell_map(case.tokens), 0)


METHODS: Mapping[str, Callable[[LocalEngine, Case], Weights]] = {
    "attention": map_attention,
    "occlusion, cells": map_occlusion,
    "occlusion, cells and blocks": lambda engine, case: map_occlusion(engine, case, (1, 2)),
}
"""By name."""


def measure_maps(
    model: RegisteredModel,
    folder: Path,
    *,
    slides: int,
    per_slide: int,
    fills: Sequence[str],
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> dict[str, Any]:
    """Return the table as JSON values; `folder` is the checkpoint. Raises ModelError."""
    with tempfile.TemporaryDirectory() as name, closing(LocalEngine(folder, model.name)) as engine:
        regions = list(draw_regions(Path(name), slides, per_slide))
        cases = list(_cases(engine, regions, prompt_writer(model)))
        answer_seconds = median(_time_answer(engine, case) for case in cases)
        with _shuffled(folder) as shuffled:
            rows = _rows(engine, shuffled, cases, fills)
            table = []
            for number, row in enumerate(rows, 1):
                table.append(row)
                progress(number, len(METHODS) + 2)
        info = engine.status().info
    return {
        "model": model.name,
        "revision": info.revision if info else None,
        "n": len(cases),
        "groups": len(set(_groups(cases))),
        "answer_seconds": answer_seconds,
        "maps": table,
    }


def _rows(
    engine: LocalEngine, shuffled: LocalEngine, cases: Sequence[Case], fills: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Yield the row of each control and method."""
    for method in (TRUTH, RANDOM, *METHODS):
        row = _row(method, engine, cases, fills)
        if method in METHODS:
            row |= _shuffled_share(method, shuffled, cases)
        yield row


@contextmanager
def _shuffled(folder: Path) -> Iterator[LocalEngine]:
    """The same network with shuffled weights, which knows nothing."""
    with (
        tempfile.TemporaryDirectory() as name,
        closing(LocalEngine(write_shuffled(folder, Path(name) / "x"), SHUFFLED)) as engine,
    ):
        yield engine


def _cases(
    engine: LocalEngine, regions: Sequence[PhantomRegion], write: PromptWriter
) -> Iterator[Case]:
    items = [region.item for region in regions]
    for region, neutral in zip(regions, write_neutral_answers(engine, items, write), strict=True):
        trace, prompt = reference_trace(region.item), write_prompt(region.item, write)
        completion = Completion(trace.text)
        (scores,) = engine.score([(prompt, completion)])
        info = engine.status().info
        size = open_picture(prompt.images[0].data).size
        budget = info.budget if info else None
        if budget is None:
            raise RuntimeError("The engine is not ready.")
        yield Case(
            region=region,
            prompt=prompt,
            neutral=neutral,
            completion=completion,
            words=trace.value,
            tokens=token_span(*trace.value, scores.token_ends),
            placement=place_picture(prompt.images[0].box, *size, budget),
        )


def _time_answer(engine: LocalEngine, case: Case) -> float:
    """Seconds of an answer with attention rows, as a page asks for it."""
    began = time.perf_counter()
    request = GenerateRequest(uuid4().hex, case.prompt, Sampling())
    for event in engine.generate(request):
        if isinstance(event, CompletionEnd):
            break
    return time.perf_counter() - began


def _shuffled_share(method: str, shuffled: LocalEngine, cases: Sequence[Case]) -> dict[str, Any]:
    maps = [METHODS[method](shuffled, case) for case in cases]
    return _share("shuffled", _right(maps, cases), _groups(cases))


def _draw(method: str, engine: LocalEngine, case: Case, seed: int) -> tuple[Weights, float]:
    """Return a method's map of a case, and its seconds."""
    rows, columns = case.placement.rows, case.placement.columns
    began = time.perf_counter()
    if method == TRUTH:
        weights = case.region.evidence(rows, columns)
    elif method == RANDOM:
        weights = np.random.default_rng(seed).random((rows, columns), np.float32)
    else:
        weights = METHODS[method](engine, case)
    return weights, time.perf_counter() - began


def _groups(cases: Sequence[Case]) -> list[str]:
    return [case.region.item.group for case in cases]


def _row(
    method: str, engine: LocalEngine, cases: Sequence[Case], fills: Sequence[str]
) -> dict[str, Any]:
    """Return a method's row, with the median seconds of a map."""
    drawn = [_draw(method, engine, case, place) for place, case in enumerate(cases)]
    maps, groups = [weights for weights, _ in drawn], _groups(cases)
    row: dict[str, Any] = {"method": method, "seconds": median(seconds for _, seconds in drawn)}
    row |= _share("right", _right(maps, cases), groups)
    for fill in fills:
        matters = [
            share_less_harmful(engine, case, top_cells(weights), fill)
            for weights, case in zip(maps, cases, strict=True)
        ]
        row |= _share(f"matters: {fill}", matters, groups)
    return row


def _right(maps: Sequence[Weights], cases: Sequence[Case]) -> list[float]:
    return [
        float(fullest_quadrant(weights) == case.region.item.gold)
        for weights, case in zip(maps, cases, strict=True)
    ]


def top_cells(weights: Weights, share: float = TOP_SHARE) -> NDArray[np.bool_]:
    """(rows, columns): mask of the `share` of the cells with most weight, at least one."""
    count = max(1, round(weights.size * share))
    chosen = np.zeros(weights.size, np.bool_)
    chosen[np.argsort(-weights, axis=None, kind="stable")[:count]] = True
    return chosen.reshape(weights.shape)


def share_less_harmful(
    engine: LocalEngine, case: Case, mask: NDArray[np.bool_], fill: str
) -> float:
    """Share of other places that hurt the words less when masked; ties count half."""
    image = case.prompt.images[0]
    picture = open_picture(image.data)
    masks = [mask, *draw_other_masks(mask, OTHER_PLACES, seed=0)]
    prompts = [
        Prompt(
            case.prompt.text,
            (as_prompt_image(FILLS[fill](picture, each), image.box),),
            case.prompt.system,
        )
        for each in masks
    ]
    scores = engine.score([(prompt, case.completion) for prompt in prompts])
    first, *others = [answer_probability(each, *case.words) for each in scores]
    return float(np.mean([(each > first) + 0.5 * (each == first) for each in others]))


def _share(name: str, values: Sequence[float], groups: Sequence[str]) -> dict[str, Any]:
    interval = share_interval(values, groups)
    if interval is None:
        return {name: None}
    return {name: interval.mean, f"{name} low": interval.low, f"{name} high": interval.high}
