"""Deletion check: does an answer change when the attended area is removed?

An attention map shows where a model looked, not that it mattered. The check measures the answer's
probability with the picture as it is, blanked, with the most attended cells blurred, and with as
many blurred elsewhere, all by the engine's `score`. The answer is scored without its
reasoning, which would otherwise decide the answer by itself, whatever the picture shows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models import user_messages
from models.control_figures import ControlFigures, find_control_figures
from models.engines.base import Engine
from models.errors import PromptError
from models.fills import FILLS, fill_mean, find_tissue, paste_cells
from models.messages import Completion, PixelBudget, Prompt, TokenScores
from models.pictures import as_prompt_image, open_picture
from models.reasoning.trace import token_span
from models.registry import RegisteredModel

DeletionVerdict = Literal["attended area mattered", "image mattered", "neither"]

FILL = "blur"
"""What replaces masked cells, one of `FILLS`; it passes both controls of `bench maps`."""

VERSION = 2
"""Version of the check. Version 1 masked in grey, compared with 8 other places by a factor of 1.1,
and failed its positive control.
"""

MASKED_SHARE = 0.1
"""Share of the cells to mask."""

OTHER_PLACES = 3
"""Number of other places for the mask, for comparison."""

LIKE_TISSUE = 0.5
"""Share of the mask's cells with tissue that another place should have."""

IMAGE_FACTOR = 1.5
"""The image mattered if blanking it makes the answer at least this many times less or more likely.
"""

AREA_FACTOR = 1.5
"""The attended area mattered if masking it makes the answer at least this many times less likely
than masking elsewhere does on average.
"""

UNLIKELY = 0.01
"""Below this probability without reasoning, the model would not give the answer, so changes of its
probability say little.
"""

LEAST_LOG = -500.0
"""Least natural log-probability of an answer as it is, in nats; a number holds about -700."""

ANSWER_FRAME = "<think></think><answer>", "</answer>"
"""Frame of an answer without reasoning."""


class PlaceMap(Protocol):
    """A map whose strongest cells are tested: of attention or of evidence."""

    @property
    def image_index(self) -> int:
        """Index of the picture in the prompt."""

    def top_cells(self, share: float) -> NDArray[np.bool_]:
        """(rows, columns): mask of the strongest `share` of the cells, at least one."""


@dataclass(frozen=True)
class CheckMethod:
    """How a deletion check masks, and what is known of that."""

    fill: str = FILL
    """What replaces masked cells."""
    version: int = VERSION
    """Version of the check."""
    places: int = OTHER_PLACES
    """Most other places that are masked."""
    controls: ControlFigures | None = None
    """Figures of the fill's controls on the same model; None if not measured."""

    @classmethod
    def of_model(cls, model: RegisteredModel, revision: str | None) -> Self:
        """The method in use, with its controls on a running model of this revision."""
        return cls(controls=find_control_figures(model, FILL, revision))

    def describe(self, model: str) -> str:
        """Sentences for people; `model` is the name to measure the controls with."""
        figures = self.controls
        if figures is None:
            controls = user_messages.controls_not_measured(model)
        else:
            controls = user_messages.controls_measured(
                figures.positive, figures.negative, passed=figures.has_passed
            )
        return user_messages.check_method(self.fill, self.version, controls)


@dataclass(frozen=True)
class DeletionCheck:
    """Probabilities of the answer under each picture, 0 to 1: products over its tokens."""

    as_is: float
    """With the picture as it is."""
    blanked: float
    """With the whole picture in its mean colour; or blurred, if neither that nor masking the area
    changes much, and the blur changes more.
    """
    attended_masked: float
    """With the most attended tenth of the cells masked."""
    random_masked: tuple[float, ...]
    """With the same mask in other places, one value each; fewer if there is no room, none if the
    verdict was settled without them.
    """
    masked: NDArray[np.bool_]
    """(rows, columns): the most attended cells."""
    method: CheckMethod = CheckMethod()
    """How they were masked."""

    @property
    def random_mean(self) -> float:
        """Geometric mean of `random_masked`; `as_is` if there is none."""
        return geometric_mean(self.random_masked, self.as_is)

    @property
    def image_mattered(self) -> bool:
        """Whether the answer becomes `IMAGE_FACTOR` times less or more likely by blanking the
        picture, or that much less likely by masking the area alone.
        """
        least = math.log(IMAGE_FACTOR)
        changed = abs(_log(self.as_is) - _log(self.blanked))
        return changed >= least or _log(self.as_is) - _log(self.attended_masked) >= least

    @property
    def is_settled(self) -> bool:
        """Whether no other place could change the verdict.

        None can if the picture did not matter, or if the answer stays so likely that it cannot be
        `AREA_FACTOR` times likelier elsewhere.
        """
        return not self.image_mattered or self.attended_masked * AREA_FACTOR > 1

    @property
    def verdict(self) -> DeletionVerdict:
        """Whether the picture and the attended area mattered to the answer.

        The attended area mattered if the picture did and, in addition, masking the area makes the
        answer less likely than masking any other place does, and `AREA_FACTOR` times less likely
        than masking elsewhere on average.
        """
        if not self.image_mattered:
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
    attention: PlaceMap,
    *,
    around: tuple[str, str] = ANSWER_FRAME,
    budget: PixelBudget | None = None,
    method: CheckMethod = CheckMethod(),
    complete: bool = False,
    seed: int = 0,
    priority: int = 0,
) -> DeletionCheck:
    """Score an answer under each variant of the picture that `attention` refers to.

    `around` is the text before and after it in the completion. `budget` is that of the request
    behind `attention`. Other places are scored only if they can change the verdict, or if the check
    is to be `complete`. If a long text is too unlikely for a number, one factor raises all values,
    which changes no verdict. Raises PromptError for an empty answer, and the engine's errors.
    """
    if not answer.strip():
        raise PromptError(user_messages.ANSWER_TO_CHECK_MISSING)
    weighing = _Weighing(engine, answer, around, budget, priority)
    masked = attention.top_cells(MASKED_SHARE)
    pictures = _MaskedPictures.make(prompt, attention.image_index, method.fill, masked.shape)
    logs = weighing.weigh([prompt, pictures.blanked(), pictures.masked(masked)])
    raised = max(0.0, LEAST_LOG - logs[0])
    as_is, blanked, attended = (math.exp(value + raised) for value in logs)
    check = DeletionCheck(as_is, blanked, attended, (), masked, method)
    if not check.image_mattered:
        (filled,) = weighing.weigh([pictures.masked(np.ones_like(masked))])
        if abs(filled - logs[0]) > abs(logs[1] - logs[0]):
            check = replace(check, blanked=math.exp(filled + raised))
    others = draw_other_masks(masked, method.places, seed, pictures.tissue())
    if not others or (check.is_settled and not complete):
        return check
    logs = weighing.weigh([pictures.masked(mask) for mask in others])
    return replace(check, random_masked=tuple(math.exp(value + raised) for value in logs))


@dataclass(frozen=True)
class _Weighing:
    """Weighs one answer with variants of its prompt."""

    engine: Engine
    """The engine."""
    answer: str
    """The answer."""
    around: tuple[str, str]
    """Text before and after it."""
    budget: PixelBudget | None
    """Pixel budget."""
    priority: int
    """Priority of the requests."""

    def weigh(self, prompts: Sequence[Prompt]) -> list[float]:
        """Natural log-probability of the answer after each prompt."""
        before, after = self.around
        completion = Completion(f"{before}{self.answer}{after}")
        items = [(each, completion) for each in prompts]
        scores = self.engine.score(items, priority=self.priority, budget=self.budget)
        span = len(before), len(before) + len(self.answer)
        return [answer_log_probability(each, *span) for each in scores]


@dataclass(frozen=True)
class _MaskedPictures:
    """Variants of one picture of a prompt."""

    prompt: Prompt
    """The prompt as it is."""
    index: int
    """Index of the picture."""
    picture: Image.Image
    """The picture as it is."""
    filled: Image.Image
    """All of it filled: masked cells are taken from here."""
    cells: tuple[int, ...]
    """(rows, columns)."""

    @classmethod
    def make(cls, prompt: Prompt, index: int, fill: str, cells: tuple[int, ...]) -> Self:
        picture = open_picture(prompt.images[index].data)
        filled = FILLS[fill](picture, np.ones(cells, np.bool_))
        return cls(prompt, index, picture, filled, cells)

    def blanked(self) -> Prompt:
        """The prompt with the whole picture in its mean colour; a blur would still show it."""
        return self._replace(fill_mean(self.picture, np.ones(self.cells, np.bool_)))

    def tissue(self) -> NDArray[np.bool_]:
        """(rows, columns): the cells that are not open space."""
        return find_tissue(self.picture, self.cells)

    def masked(self, mask: NDArray[np.bool_]) -> Prompt:
        """The prompt with some cells, (rows, columns), filled."""
        return self._replace(paste_cells(self.picture, self.filled, mask))

    def _replace(self, picture: Image.Image) -> Prompt:
        images, index = self.prompt.images, self.index
        image = as_prompt_image(picture, images[index].box, compress_level=0)
        return replace(self.prompt, images=(*images[:index], image, *images[index + 1 :]))


def draw_other_masks(
    masked: NDArray[np.bool_],
    draws: int,
    seed: int,
    tissue: NDArray[np.bool_] | None = None,
) -> list[NDArray[np.bool_]]:
    """Masks of the same area elsewhere, (rows, columns) each; at most `draws`, all different.

    Each is the mask shifted with wrap-around, so only the place differs; if no shift avoids the
    original, it is the same number of other cells drawn at random. None overlaps the original; the
    list is empty if there is no room. Of `tissue`, (rows, columns), shifts with at least
    `LIKE_TISSUE` of the mask's share are preferred, since masking open space changes little.
    """
    chance = np.random.default_rng(seed)
    shifted = _shift(masked, chance)
    if tissue is not None:
        least = LIKE_TISSUE * float((tissue & masked).sum())
        shifted.sort(key=lambda other: float((tissue & other).sum()) < least)
    places = {other.tobytes(): other for other in shifted[:draws]}
    free, area = np.flatnonzero(~masked), int(masked.sum())
    for _ in range(draws - len(places) if len(free) >= area else 0):
        other = np.zeros_like(masked)
        other.flat[chance.choice(free, area, replace=False)] = True
        places[other.tobytes()] = other
    return list(places.values())


def _shift(masked: NDArray[np.bool_], chance: np.random.Generator) -> list[NDArray[np.bool_]]:
    """The mask at every other place that it does not overlap, in random order."""
    shifts: dict[bytes, NDArray[np.bool_]] = {}
    for shift in chance.permutation(masked.size):
        other = np.roll(masked, divmod(int(shift), masked.shape[1]), axis=(0, 1))
        if not (other & masked).any():
            shifts[other.tobytes()] = other
    return list(shifts.values())


def answer_log_probability(scores: TokenScores, start: int, stop: int) -> float:
    """Natural log-probability of characters start..stop of a scored text, given all before them.

    Tokens that contain any of the characters count fully.
    """
    tokens = token_span(start, stop, scores.token_ends)
    return float(scores.logprobs[tokens.start : tokens.stop].sum(dtype=np.float64))


def geometric_mean(values: Sequence[float], otherwise: float) -> float:
    """Geometric mean of probabilities; `otherwise` if there are none."""
    if not values:
        return otherwise
    return math.exp(sum(_log(value) for value in values) / len(values))


def _log(value: float) -> float:
    """Natural logarithm, kept finite."""
    return math.log(max(value, 1e-300))
