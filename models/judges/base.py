"""Interface of judges.

The judges are `claims.MeasuredClaimsJudge` and `endpoint_judge.EndpointJudge`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from PIL import Image

from models.evaluation.items import EvaluationItem
from models.reasoning.trace import ReasoningTrace, parse
from models.reward import WITHOUT_STEPS, ProcessScore
from models.training.specimen.facts_column import read_facts
from models.training.specimen.grammar import QUESTIONS, Facts


@dataclass(frozen=True)
class JudgeInput:
    """A completion with everything that a judge may need."""

    completion: str
    """Full completion, including tags."""
    question: str = ""
    """Question, without options."""
    options: tuple[str, ...] = ()
    """Options without letters; empty for an open question."""
    gold: str = ""
    """Correct answer: an option's letter or text, or free text."""
    question_type: str = ""
    """One of `grammar.QUESTIONS`; empty or another for other question sets."""
    facts: Facts | None = None
    """Facts about the picture; None if not measured."""
    images: tuple[bytes | Image.Image, ...] = field(default=(), repr=False)
    """Pictures in order; bytes are PNG or JPEG files."""
    id: str = ""
    """Id by which labels of this completion are found."""

    @property
    def trace(self) -> ReasoningTrace:
        """The parsed completion."""
        return parse(self.completion)


@dataclass(frozen=True)
class EventFinding:
    """A finding of a judge."""

    event: str
    """An event of `reward.EVENTS`, or the claim that is wrong or missing."""
    evidence: str = ""
    """Quote from the trace that shows it; empty for an absence."""
    step: int | None = None
    """Index of the step with the quote, from 0; None for the whole trace."""


@dataclass(frozen=True)
class JudgeVerdict:
    """A judge's verdict on one trace."""

    reward: float
    """R_process, 0..1."""
    findings: tuple[EventFinding, ...] = ()
    """Findings against the trace."""
    score: ProcessScore | None = None
    """Score from the six events; None from a judge that does not use them."""

    @property
    def events(self) -> frozenset[str]:
        """Names of the events found."""
        return frozenset(finding.event for finding in self.findings)


class Judge(Protocol):
    """A judge of how well a trace reasons."""

    def judge(self, traces: Sequence[JudgeInput]) -> list[JudgeVerdict | None]:
        """One verdict per trace, in order; None abstains and is never a score."""


def process_scores(judge: Judge, traces: Sequence[JudgeInput]) -> list[float | None]:
    """R_process of each trace, for evaluation and reward alike.

    A completion without steps scores WITHOUT_STEPS and is not sent to the judge. None only where
    the judge abstains.
    """
    with_steps = [index for index, trace in enumerate(traces) if trace.trace.steps]
    scores: list[float | None] = [WITHOUT_STEPS] * len(traces)
    verdicts = judge.judge([traces[index] for index in with_steps])
    for index, verdict in zip(with_steps, verdicts, strict=True):
        scores[index] = verdict.reward if verdict else None
    return scores


def process_judge(judge: Judge) -> Callable[[str, EvaluationItem], float | None]:
    """A judge as `evaluate` needs it: from a completion and its question to R_process."""

    def score(completion: str, item: EvaluationItem) -> float | None:
        trace = JudgeInput(
            completion=completion,
            question=item.question,
            options=item.options,
            gold=item.gold,
            question_type=item.question_type,
            facts=read_facts(item.facts) if item.question_type in QUESTIONS else None,
            images=(item.image.read_bytes(),),
            id=item.id,
        )
        return process_scores(judge, [trace])[0]

    return score


def find_step(trace: ReasoningTrace, text: str, quote: str) -> int | None:
    """Index of the step where a quote begins, from 0; None if `text` does not contain it."""
    place = text.find(quote) if quote else -1
    for index, step in enumerate(trace.steps):
        if step.start <= place < step.stop:
            return index
    return None
