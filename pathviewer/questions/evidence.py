"""Evidence of a stored completion: what does each passage depend on?"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Self

import numpy as np

from models.deletion_check import IMAGE_FACTOR, UNLIKELY, CheckMethod, DeletionCheck
from models.engines.base import Engine, OcclusionEngine
from models.engines.user_messages import WEIGHTS_ELSEWHERE
from models.evidence import (
    CLAIMS,
    PLACES_AT_ONCE,
    EvidenceFinder,
    EvidenceMap,
    Target,
    find_target,
)
from models.messages import Completion, ImagePlacement, ModelInfo
from models.occlusion import OcclusionRows
from models.reasoning.trace import parse
from pathviewer.attention.passages import find_passages
from pathviewer.evidence import user_messages as evidence_messages
from pathviewer.evidence.archive import PlaceTest, StoredEvidence, WordLosses
from pathviewer.questions.errors import QuestionRefused
from pathviewer.questions.rerun import pixel_budget, rebuild_prompt
from storage.questions.records import CompletionRecord, QuestionRecord

EVIDENCE_PRIORITY = -1
"""Priority of evidence maps: below every answer."""

OCCLUSION, QUICK_FORM = "occlusion", "attention x gradient"
"""Names of the methods."""

SLOW_OPERATIONS = {"cpu": 2e13, "cuda": 2e16}
"""Floating-point operations, by kind of device, above which occlusion takes minutes."""

PART_OPERATIONS = {"cpu": 1e12, "cuda": 1e15}
"""Operations of one request, some seconds, for which an answer may have to wait."""


@dataclass(frozen=True)
class EvidenceQuestion:
    """A stored completion whose evidence is asked for."""

    record: QuestionRecord
    """Its question."""
    completion: CompletionRecord
    """The completion."""
    picture: bytes
    """PNG that the model saw."""
    placement: ImagePlacement
    """Placement of the picture."""


@dataclass(frozen=True)
class ReplayCost:
    """Cost of weighing a completion once more."""

    device: str
    """`cpu` or `cuda`."""
    operations: float
    """Floating-point operations: two for each weight and token."""

    @classmethod
    def of(cls, info: ModelInfo | None, question: EvidenceQuestion) -> Self:
        """The cost for a completion on a model."""
        device = "cuda" if info and info.device.startswith("cuda") else "cpu"
        tokens = (question.record.prompt_tokens or 0) + len(question.completion.token_ends)
        return cls(device, 2.0 * (info.parameters if info else 0) * tokens)

    def is_slow(self, places: int) -> bool:
        """Whether one replay for each place would take minutes."""
        return self.operations * places > SLOW_OPERATIONS[self.device]

    @property
    def places_at_once(self) -> int:
        """Places of one request."""
        most = PART_OPERATIONS[self.device] / max(1.0, self.operations)
        return max(1, int(min(PLACES_AT_ONCE, most)))


class EvidenceSearch:
    """Finds the evidence of one completion; `cancelled` ends it between two requests."""

    def __init__(
        self,
        engine: Engine,
        question: EvidenceQuestion,
        method: CheckMethod,
        cancelled: threading.Event,
    ) -> None:
        """Raise QuestionRefused if the engine cannot occlude places.

        `method` is that of the tests, with its controls on the running model.
        """
        if not isinstance(engine, OcclusionEngine):
            raise QuestionRefused(WEIGHTS_ELSEWHERE)
        self._completion = question.completion
        self._placement = question.placement
        self._method = method
        self._trace = parse(question.completion.text)
        self._cost = ReplayCost.of(engine.status().info, question)
        self._finder = EvidenceFinder(
            engine,
            rebuild_prompt(question.record, question.picture),
            question.placement,
            budget=pixel_budget(question.record),
            priority=EVIDENCE_PRIORITY,
            places_at_once=self._cost.places_at_once,
            cancelled=cancelled,
        )

    def find_all(self) -> StoredEvidence:
        """Find and test the evidence of every passage, or find its quick form if that were slow.

        Raises the engine's errors.
        """
        if self._cost.is_slow(self._placement.tokens):
            return self._find_quickly()
        record = self._completion
        ends = tuple(record.token_ends)
        words = self._weigh(self._finder.occlude(self._stored_completion()))
        answer = self._weigh_answer()
        tests = {}
        for name, target in self._list_targets():
            losses, tokens = words, target.tokens(ends)
            if name == "answer":
                if answer is None:
                    continue
                losses, tokens = answer, range(1)
            tests[name] = self._test(target, losses, tokens)
        if answer is None and self._trace.answer:
            tests["answer"] = follow_reasoning(tests["all"])
        method = {"name": OCCLUSION, "quick": False, "check": asdict(self._method)}
        return StoredEvidence(method, words, answer, tests)

    def test_tokens(self, words: WordLosses, tokens: range) -> PlaceTest:
        """Test the evidence of some tokens. Raises the engine's errors."""
        record = self._completion
        start = record.token_ends[tokens.start - 1] if tokens.start else 0
        stop = record.token_ends[tokens.stop - 1]
        target = Target(record.text[:start], record.text[start:stop], record.text[stop:])
        return self._test(target, words, tokens)

    def _test(self, target: Target, losses: WordLosses, tokens: range) -> PlaceTest:
        evidence = EvidenceMap(
            0, self._placement, losses.cell_map(tokens), losses.region_loss(tokens)
        )
        return describe_test(self._finder.test(target, evidence, self._method))

    def _find_quickly(self) -> StoredEvidence:
        """Attention x gradient of every passage, without tests."""
        named = find_passages(self._trace, self._completion.token_ends)
        completion = self._stored_completion()
        maps = np.stack(
            [self._finder.weigh_attention(completion, [tokens])[0] for _, tokens in named]
        )
        scaled = maps / np.maximum(maps.max((1, 2), keepdims=True), np.finfo(np.float32).tiny)
        quick = {
            name: map_.astype(np.float16) for (name, _), map_ in zip(named, scaled, strict=True)
        }
        return StoredEvidence({"name": QUICK_FORM, "quick": True, "check": None}, quick=quick)

    def _stored_completion(self) -> Completion:
        record = self._completion
        return Completion(record.text, tuple(record.token_ids), tuple(record.token_ends))

    def _list_targets(self) -> Iterator[tuple[str, Target]]:
        record = self._completion
        for name, _ in find_passages(self._trace, record.token_ends):
            target = find_target(self._trace, record.text, name)
            if target is not None and target.words.strip():
                yield name, target

    def _weigh_answer(self) -> WordLosses | None:
        """Weigh the answer without its reasoning; its tokens count as one.

        None without an answer, and if the model would not give it without reasoning.
        """
        target = find_target(self._trace, self._completion.text, "answer")
        if target is None:
            return None
        scores = self._finder.score(target)
        tokens = target.tokens(scores.token_ends)
        if scores.logprobs[tokens.start : tokens.stop].sum() < math.log(UNLIKELY):
            return None
        weighed = self._weigh(self._finder.occlude(Completion(target.text)))
        cells = weighed.cell_map(tokens)[..., None].astype(np.float16)
        return WordLosses(cells, np.array([weighed.region_loss(tokens)], np.float32))

    def _weigh(self, rows: OcclusionRows) -> WordLosses:
        """The losses of each token with each single cell occluded."""
        shape = (self._placement.rows, self._placement.columns, len(rows.baseline))
        cells = (rows.baseline[None] - rows.occluded).reshape(shape)
        return WordLosses(cells.astype(np.float16), rows.baseline - rows.averaged)


def describe_test(check: DeletionCheck) -> PlaceTest:
    """The claim of a deletion check, with its probabilities."""
    return PlaceTest(
        claim=CLAIMS[check.verdict],
        sentence=describe_claim(check),
        as_is=check.as_is,
        blanked=check.blanked,
        masked=check.attended_masked,
        elsewhere=check.random_masked,
        cells=tuple(int(cell) for cell in np.flatnonzero(check.masked)),
    )


def describe_claim(check: DeletionCheck) -> str:
    """The claim of a deletion check for people."""
    claim = CLAIMS[check.verdict]
    if claim == "none":
        return evidence_messages.DOES_NOT_DEPEND
    if claim == "place":
        return evidence_messages.depends_on_place(ratio(check.random_mean, check.attended_masked))
    lost = ratio(check.as_is, min(check.blanked, check.attended_masked))
    if lost < IMAGE_FACTOR:
        return evidence_messages.speaks_against(ratio(check.blanked, check.as_is))
    return evidence_messages.depends_on_region(lost)


def follow_reasoning(test: PlaceTest) -> PlaceTest:
    """The test of an answer that follows from its reasoning: that of the whole completion."""
    return replace(test, sentence=evidence_messages.with_reasoning(test.sentence))


def ratio(likelier: float, less_likely: float) -> float:
    """How many times less likely; infinite where nothing is left."""
    return likelier / less_likely if less_likely > 0 else math.inf
