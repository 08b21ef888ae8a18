"""Methods that `bench maps` compares: each maps the evidence for some words of a completion."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.attention import AttentionMap, attention_map, normalise_map
from models.deletion_check import answer_log_probability
from models.engines.local.engine import LocalEngine
from models.fills import FILLS
from models.messages import OcclusionRequest, Prompt
from models.occlusion import list_places
from models.pictures import as_prompt_image, open_picture
from models.training.specimen.attention_check import neutral_prompt
from pathviewer.bench.map_cases import Case, Weights

RANDOM_MASKS = 64
"""Masks of the method by random masks."""
SHOWN_SHARE = 0.5
"""Share of the cells that a random mask leaves."""
DEFAULT_METHOD = "occlusion of cells"
"""The method of the page's evidence map."""


def map_attention(engine: LocalEngine, case: Case) -> Weights:
    """Attention of the words, averaged over layers and heads."""
    return _attend(engine, case).weights


def map_relative_attention(engine: LocalEngine, case: Case) -> Weights:
    """The same, relative to that of a neutral question."""
    rows = engine.attend(neutral_prompt(case.prompt), case.neutral)
    neutral = attention_map(rows, (case.placement,), 0, range(len(rows.rows)))
    return normalise_map(_attend(engine, case), neutral).weights


def map_attention_gradient(engine: LocalEngine, case: Case) -> Weights:
    """Attention times its gradient."""
    request = _occlusion(case, list_places(case.placement))
    weights: Weights = engine.weigh_attention(request, [case.tokens])[0]
    return weights


def map_occlusion(engine: LocalEngine, case: Case, sides: Sequence[int] = (1,)) -> Weights:
    """Log-probability that the words lose with each place occluded; gains count as nothing."""
    rows = engine.occlude(_occlusion(case, list_places(case.placement, sides)))
    return np.maximum(rows.cell_map(case.tokens), 0)


def map_random_masks(engine: LocalEngine, case: Case) -> Weights:
    """RISE on tokens (Petsiuk et al., BMVC 2018): how much likelier the words are with a cell kept.

    The masks are the same for each case.
    """
    chance = np.random.default_rng(0)
    shape = RANDOM_MASKS, case.placement.rows, case.placement.columns
    occluded = chance.random(shape) >= SHOWN_SHARE
    losses = engine.occlude(_occlusion(case, occluded)).losses(case.tokens)
    flat = occluded.reshape(RANDOM_MASKS, -1).astype(np.float64)
    with_cell = losses @ flat / np.maximum(flat.sum(0), 1)
    without = losses @ (1 - flat) / np.maximum((1 - flat).sum(0), 1)
    weights: Weights = np.maximum(with_cell - without, 0).reshape(shape[1:]).astype(np.float32)
    return weights


def map_pixels(engine: LocalEngine, case: Case, fill: str = "plain tissue") -> Weights:
    """Log-probability that the words lose with the pixels of each cell replaced."""
    cells = list_places(case.placement)
    as_is, *masked = log_probabilities(engine, case, [np.zeros_like(cells[0]), *cells], fill)
    losses = np.maximum(as_is - np.array(masked), 0)
    return losses.reshape(cells.shape[1:]).astype(np.float32)


METHODS: Mapping[str, Callable[[LocalEngine, Case], Weights]] = {
    "attention": map_attention,
    "attention relative to a neutral question": map_relative_attention,
    "attention x gradient": map_attention_gradient,
    DEFAULT_METHOD: map_occlusion,
    "occlusion of cells and blocks": lambda engine, case: map_occlusion(engine, case, (1, 2)),
    "occlusion of pixels by plain tissue": map_pixels,
    "random masks": map_random_masks,
}
"""By name."""


def log_probabilities(
    engine: LocalEngine, case: Case, masks: Sequence[NDArray[np.bool_]], fill: str
) -> list[float]:
    """Natural log-probability of the words with each mask's cells filled, (rows, columns) each."""
    image = case.prompt.images[0]
    picture = open_picture(image.data)
    prompts = [_with_fill(case.prompt, picture, mask, fill) for mask in masks]
    scores = engine.score([(prompt, case.completion) for prompt in prompts])
    start = len(case.target.before)
    span = start, start + len(case.target.words)
    return [answer_log_probability(each, *span) for each in scores]


def _with_fill(prompt: Prompt, picture: Image.Image, mask: NDArray[np.bool_], fill: str) -> Prompt:
    if not mask.any():
        return prompt
    filled = as_prompt_image(FILLS[fill](picture, mask), prompt.images[0].box)
    return replace(prompt, images=(filled,))


def _attend(engine: LocalEngine, case: Case) -> AttentionMap:
    rows = engine.attend(case.prompt, case.completion)
    return attention_map(rows, (case.placement,), 0, case.tokens)


def _occlusion(case: Case, places: NDArray[np.bool_]) -> OcclusionRequest:
    return OcclusionRequest(uuid4().hex, case.prompt, case.completion, places)
