"""Judges of a trace, behind one interface, and the clinician as one of them.

The others are `claims.MeasuredClaimsJudge` and `endpoint_judge.EndpointJudge`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from PIL import Image

from models.evaluation.items import EvaluationItem
from models.process_score import ABSENCES, ProcessScore, score_labels
from models.reasoning.trace import ReasoningTrace, parse
from models.training.specimen.facts_column import read_facts
from models.training.specimen.grammar import QUESTIONS, Facts


@dataclass(frozen=True)
class JudgeInput:
    """A completion with all that a judge may need to know of it; judges take what they need."""

    completion: str
    """The whole completion, tags included."""
    question: str = ""
    """What was asked, without options."""
    options: tuple[str, ...] = ()
    """Texts to choose from, without letters; empty for an open question."""
    gold: str = ""
    """The right answer: an option's letter or text, or free text."""
    question_type: str = ""
    """One of `language.QUESTIONS`; empty or another for questions of other sets."""
    facts: Facts | None = None
    """What is true of the picture; None if nobody measured it."""
    images: tuple[bytes | Image.Image, ...] = field(default=(), repr=False)
    """The pictures in order, those in bytes as PNG or JPEG files."""
    id: str = ""
    """By which labels of this completion are found."""

    @property
    def trace(self) -> ReasoningTrace:
        """The completion as it is read."""
        return parse(self.completion)


@dataclass(frozen=True)
class EventFinding:
    """Something a judge found."""

    event: str
    """An event of `process_score.EVENTS`, or the claim that is wrong or missing."""
    evidence: str = ""
    """Words of the trace that show it; empty for what is missing."""
    step: int | None = None
    """The step that has them, counted from 0; None for the whole trace."""


@dataclass(frozen=True)
class JudgeVerdict:
    """What a judge says of one trace."""

    reward: float
    """R_process, 0..1."""
    findings: tuple[EventFinding, ...] = ()
    """What speaks against the trace."""
    score: ProcessScore | None = None
    """What the six events come to; None from a judge that does not look for them."""

    @property
    def events(self) -> frozenset[str]:
        """Names of what was found."""
        return frozenset(finding.event for finding in self.findings)


class Judge(Protocol):
    """Whoever tells how well a trace reasons."""

    def judge(self, traces: Sequence[JudgeInput]) -> list[JudgeVerdict | None]:
        """One verdict per trace in their order; None abstains, and is never a score."""


def process_scores(judge: Judge, traces: Sequence[JudgeInput]) -> list[float | None]:
    """R_process of each trace, for evaluation and reward alike.

    A completion without any reasoning earns 0 and is not shown to the judge: to write nothing must
    not be a way out of being judged. None only where the judge abstains.
    """
    with_steps = [index for index, trace in enumerate(traces) if trace.trace.steps]
    scores: list[float | None] = [0.0] * len(traces)
    verdicts = judge.judge([traces[index] for index in with_steps])
    for index, verdict in zip(with_steps, verdicts, strict=True):
        scores[index] = verdict.reward if verdict else None
    return scores


def process_judge(judge: Judge) -> Callable[[str, EvaluationItem], float | None]:
    """A judge as `evaluate` takes it: of a completion and its question to R_process."""

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
    """The step in which a quote begins, counted from 0; None if `text` does not have it."""
    place = text.find(quote) if quote else -1
    for index, step in enumerate(trace.steps):
        if step.start <= place < step.stop:
            return index
    return None


@dataclass(frozen=True)
class ClinicianLabels:
    """What a clinician said of one completion, in the events of `process_score`."""

    absences: frozenset[str] = frozenset()
    """What the whole trace lacks."""
    steps: tuple[frozenset[str], ...] = ()
    """Errors by step; steps that are left out have none."""
    submitted: bool = False
    """Whether it was submitted; before that nothing said means nothing."""


class ClinicianJudge:
    """A clinician's labels as a judge, so that they count by the same formulas."""

    def __init__(self, labels: Mapping[str, ClinicianLabels]) -> None:
        """`labels` by `JudgedTrace.id`."""
        self._labels = labels

    def judge(self, traces: Sequence[JudgeInput]) -> list[JudgeVerdict | None]:
        """Verdicts from the labels; None for a trace that was not labelled and submitted."""
        return [self._verdict(trace) for trace in traces]

    def _verdict(self, trace: JudgeInput) -> JudgeVerdict | None:
        labels = self._labels.get(trace.id)
        if labels is None or not labels.submitted:
            return None
        score = score_labels(labels.absences, labels.steps)
        findings = [EventFinding(event) for event in ABSENCES if event in labels.absences]
        steps = trace.trace.steps
        for index, errors in enumerate(labels.steps):
            quote = steps[index].text if index < len(steps) else ""
            findings += [EventFinding(error, quote, index) for error in sorted(errors)]
        return JudgeVerdict(score.reward, tuple(findings), score)
