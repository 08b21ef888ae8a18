"""Deletion check: does an answer change when the attended area is removed?

An attention map shows where a model looked, not that it mattered. The check measures the answer's
probability with the picture as it is, blanked, with the most attended cells masked, and with the
same mask elsewhere, all by the engine's `score`. The answer is scored without its reasoning, which
would otherwise decide the answer by itself, whatever the picture shows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models import user_messages
from models.attention import AttentionMap
from models.engines.base import Engine
from models.errors import PromptError
from models.fills import fill_grey
from models.messages import Completion, PixelBudget, Prompt, TokenScores
from models.pictures import as_prompt_image, open_picture
from models.reasoning.trace import token_span

DeletionVerdict = Literal["attended area mattered", "image mattered", "neither"]

MASKED_SHARE = 0.1
"""Share of the cells to mask."""

RANDOM_MASKS = 8
"""Number of other places for the mask, for comparison."""

IMAGE_FACTOR = 1.5
"""The image mattered if blanking it makes the answer at least this many times less likely."""

AREA_FACTOR = 1.1
"""The attended area mattered if masking it makes the answer at least this many times less likely
than masking elsewhere does on average.
"""

UNLIKELY = 0.01
"""Below this probability without reasoning, the model would not give the answer, so changes of its
probability say little.
"""

ANSWER_FRAME = "<think></think><answer>", "</answer>"
"""Frame of an answer without reasoning."""


@dataclass(frozen=True)
class DeletionCheck:
    """Probabilities of the answer under each picture, 0 to 1: products over its tokens."""

    as_is: float
    """With the picture as it is."""
    blanked: float
    """With the whole picture grey."""
    attended_masked: float
    """With the most attended tenth of the cells masked."""
    random_masked: tuple[float, ...]
    """With the same mask in other places, one value each; fewer if there is no room."""
    masked: NDArray[np.bool_]
    """(rows, columns): the most attended cells."""

    @property
    def random_mean(self) -> float:
        """Geometric mean of `random_masked`; `as_is` if there is none."""
        return geometric_mean(self.random_masked, self.as_is)

    @property
    def verdict(self) -> DeletionVerdict:
        """Whether the picture and the attended area mattered to the answer.

        The image mattered if blanking it makes the answer `IMAGE_FACTOR` times less likely. The
        attended area mattered if, in addition, masking it makes the answer less likely than masking
        any other place does, and `AREA_FACTOR` times less likely than masking elsewhere on average.
        """
        if _log(self.as_is) - _log(self.blanked) < math.log(IMAGE_FACTOR):
            return "neither"
        lower = bool(self.random_masked) and self.attended_masked < min(self.random_masked)
        factor = _log(self.random_mean) - _log(self.attended_masked)
        if lower and factor >= math.log(AREA_FACTOR):
            return "attended area mattered"
        return "image mattered"

    @property
    def sentence(self) -> str:
        """Verdict on the answer without its reasoning, as a sentence."""
        if self.as_is < UNLIKELY:
            return user_messages.ANSWER_UNLIKELY
        return user_messages.ANSWER_SENTENCES[self.verdict]


def deletion_check(
    engine: Engine,
    prompt: Prompt,
    answer: str,
    attention: AttentionMap,
    *,
    around: tuple[str, str] = ANSWER_FRAME,
    budget: PixelBudget | None = None,
    draws: int = RANDOM_MASKS,
    seed: int = 0,
    priority: int = 0,
) -> DeletionCheck:
    """Score an answer under each variant of the picture that `attention` refers to.

    `around` is the text before and after it in the completion. `budget` is that of the request
    behind `attention`. Raises PromptError for an empty answer, and the engine's errors.
    """
    if not answer.strip():
        raise PromptError(user_messages.ANSWER_TO_CHECK_MISSING)
    masked = attention.top_cells(MASKED_SHARE)
    masks = [
        np.zeros_like(masked),
        np.ones_like(masked),
        masked,
        *draw_other_masks(masked, draws, seed),
    ]
    before, after = around
    completion = Completion(f"{before}{answer}{after}")
    index = attention.image_index
    picture = open_picture(prompt.images[index].data)
    prompts = [_with_mask(prompt, index, picture, mask) for mask in masks]
    scores = engine.score([(p, completion) for p in prompts], priority=priority, budget=budget)
    span = len(before), len(before) + len(answer)
    values = [answer_probability(score, *span) for score in scores]
    return DeletionCheck(values[0], values[1], values[2], tuple(values[3:]), masked)


def draw_other_masks(masked: NDArray[np.bool_], draws: int, seed: int) -> list[NDArray[np.bool_]]:
    """Masks of the same area elsewhere, (rows, columns) each; at most `draws`, all different.

    Each is the mask shifted with wrap-around, so only the place differs; if no shift avoids the
    original, it is the same number of other cells drawn at random. None overlaps the original; the
    list is empty if there is no room.
    """
    chance = np.random.default_rng(seed)
    places: dict[bytes, NDArray[np.bool_]] = {}
    for shift in chance.permutation(masked.size):
        other = np.roll(masked, divmod(int(shift), masked.shape[1]), axis=(0, 1))
        if len(places) < draws and not (other & masked).any():
            places[other.tobytes()] = other
    free, area = np.flatnonzero(~masked), int(masked.sum())
    for _ in range(draws - len(places) if len(free) >= area else 0):
        other = np.zeros_like(masked)
        other.flat[chance.choice(free, area, replace=False)] = True
        places[other.tobytes()] = other
    return list(places.values())


def answer_probability(scores: TokenScores, start: int, stop: int) -> float:
    """Probability of characters start..stop of a scored text, given all before them.

    Tokens that contain any of the characters count fully.
    """
    tokens = token_span(start, stop, scores.token_ends)
    return math.exp(scores.logprobs[tokens.start : tokens.stop].sum(dtype=np.float64))


def geometric_mean(values: Sequence[float], otherwise: float) -> float:
    """Geometric mean of probabilities; `otherwise` if there are none."""
    if not values:
        return otherwise
    return math.exp(sum(_log(value) for value in values) / len(values))


def _with_mask(prompt: Prompt, index: int, picture: Image.Image, mask: NDArray[np.bool_]) -> Prompt:
    """The prompt with one picture masked; unchanged if the mask is empty."""
    if not mask.any():
        return prompt
    images = prompt.images
    masked_image = as_prompt_image(fill_grey(picture, mask), images[index].box)
    return replace(prompt, images=(*images[:index], masked_image, *images[index + 1 :]))


def _log(value: float) -> float:
    """Natural logarithm, kept finite."""
    return math.log(max(value, 1e-300))
