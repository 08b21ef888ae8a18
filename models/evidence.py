"""Evidence: does a passage depend on a place of the picture, on the whole region, or on neither?

An evidence map gives, for each cell, the log-probability that the passage loses with the cell's
visual token replaced by the picture's mean token. A map alone claims nothing: the deletion check
then blurs the pixels of its strongest tenth and of other places of the same shape, and its verdict
is the claim. Occlusion of tokens finds the place, blurred pixels test it, so a map is never tested
by the operation that drew it.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.deletion_check import (
    ANSWER_FRAME,
    CheckMethod,
    DeletionCheck,
    DeletionVerdict,
    deletion_check,
)
from models.engines.base import OcclusionEngine
from models.errors import CancelledError
from models.messages import (
    Completion,
    ImagePlacement,
    OcclusionRequest,
    PixelBudget,
    Prompt,
    TokenScores,
)
from models.occlusion import OcclusionRows, join_occlusions, list_places, top_cells
from models.reasoning.trace import ReasoningTrace, token_span
from models.user_messages import REQUEST_CANCELLED

Claim = Literal["place", "region", "none"]
"""What a passage depends on: a place, the region as a whole, or not on the picture."""

CLAIMS: Mapping[DeletionVerdict, Claim] = {
    "attended area mattered": "place",
    "image mattered": "region",
    "neither": "none",
}
"""Claim by the verdict of the deletion check."""

PLAIN_CHECK = CheckMethod()
"""The check without figures of its controls."""

PLACES_AT_ONCE = 32
"""Places per request, so that an answer that waits goes first."""


@dataclass(frozen=True)
class EvidenceMap:
    """Log-probability that some words lose with each cell of one picture occluded."""

    image_index: int
    """Index of the picture in the prompt."""
    placement: ImagePlacement
    """Placement of its cells."""
    losses: NDArray[np.float32]
    """(rows, columns): loss in nats; negative where the words become likelier."""
    region_loss: float
    """Loss with all cells occluded, in nats."""

    def top_cells(self, share: float = 0.1) -> NDArray[np.bool_]:
        """(rows, columns): mask of the `share` of cells with the greatest loss, at least one."""
        return top_cells(self.losses, share)


@dataclass(frozen=True)
class Target:
    """Words whose evidence is asked for, within the text that is scored."""

    before: str
    """Text before them."""
    words: str
    """The words."""
    after: str
    """Text after them."""

    @property
    def around(self) -> tuple[str, str]:
        """Text before and after them."""
        return self.before, self.after

    @property
    def text(self) -> str:
        """The text that is scored."""
        return self.before + self.words + self.after

    def tokens(self, ends: tuple[int, ...]) -> range:
        """Tokens of the words, given the ends of the text's tokens in characters."""
        return token_span(len(self.before), len(self.before) + len(self.words), ends)


class EvidenceFinder:
    """Finds what passages of one completion depend on; one request to the engine at a time.

    Raises CancelledError once `cancelled` is set, and the engine's errors.
    """

    def __init__(
        self,
        engine: OcclusionEngine,
        prompt: Prompt,
        placement: ImagePlacement,
        *,
        image_index: int = 0,
        budget: PixelBudget | None = None,
        priority: int = 0,
        places_at_once: int = PLACES_AT_ONCE,
        cancelled: threading.Event | None = None,
    ) -> None:
        """`places_at_once` are the cells of one request."""
        self._engine = engine
        self._prompt = prompt
        self._placement = placement
        self._image_index = image_index
        self._budget = budget
        self._priority = priority
        self._places_at_once = places_at_once
        self._cancelled = cancelled or threading.Event()

    def occlude(self, completion: Completion) -> OcclusionRows:
        """Weigh a completion with each single cell occluded."""
        return join_occlusions(list(self._occlude_in_parts(self._request(completion))))

    def _request(self, completion: Completion) -> OcclusionRequest:
        return OcclusionRequest(
            uuid.uuid4().hex,
            self._prompt,
            completion,
            list_places(self._placement),
            image_index=self._image_index,
            budget=self._budget,
            priority=self._priority,
        )

    def score(self, target: Target) -> TokenScores:
        """Weigh the tokens of a text with the picture as it is."""
        self._raise_if_cancelled()
        items = [(self._prompt, Completion(target.text))]
        (scores,) = self._engine.score(items, priority=self._priority, budget=self._budget)
        return scores

    def weigh_attention(
        self, completion: Completion, passages: Sequence[range]
    ) -> NDArray[np.float32]:
        """(passages, rows, columns): attention x gradient, the quick form of evidence maps."""
        self._raise_if_cancelled()
        return self._engine.weigh_attention(self._request(completion), passages)

    def test(
        self, target: Target, evidence: EvidenceMap, method: CheckMethod = PLAIN_CHECK
    ) -> DeletionCheck:
        """Test whether the strongest tenth of a map matters more than other places."""
        self._raise_if_cancelled()
        return deletion_check(
            self._engine,
            self._prompt,
            target.words,
            evidence,
            around=target.around,
            budget=self._budget,
            priority=self._priority,
            method=method,
        )

    def _occlude_in_parts(self, request: OcclusionRequest) -> Iterator[OcclusionRows]:
        for start in range(0, len(request.places), self._places_at_once):
            self._raise_if_cancelled()
            places = request.places[start : start + self._places_at_once]
            part = replace(request, request_id=f"{request.request_id}-{start}", places=places)
            yield self._engine.occlude(part)

    def _raise_if_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise CancelledError(REQUEST_CANCELLED)


def find_target(trace: ReasoningTrace, text: str, passage: str) -> Target | None:
    """The words of a passage: `step 1`, ..., `answer` or `all`; None if there is none.

    The answer is weighed without its reasoning, which would otherwise decide it by itself.
    """
    if passage == "all":
        return Target("", text, "") if text else None
    if passage == "answer":
        before, after = ANSWER_FRAME
        return Target(before, trace.answer, after) if trace.answer else None
    steps = {f"step {number}": step for number, step in enumerate(trace.steps, 1)}
    if passage not in steps:
        return None
    start, stop = steps[passage].start, steps[passage].stop
    return Target(text[:start], text[start:stop], text[stop:])
