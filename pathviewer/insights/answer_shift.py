"""Blind-first answers: how often the model's answer changed the clinician's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.scoring import answer_is_right, canonical_answer
from pathviewer.insights.resampling import ratio
from pathviewer.insights.values import Estimate


@dataclass(frozen=True)
class BlindAnswer:
    """A question that a clinician answered before seeing the model's answer."""

    case: str
    """Unit of resampling: the case, or the slide if no case is known."""

    options: Sequence[str]
    """Answer options."""

    first: str
    """The clinician's first answer."""

    model: str | None
    """The model's answer; None if it gave none."""

    final: str | None
    """The clinician's answer after seeing the model's; None if the verdict does not state it."""

    reference: str | None
    """The right answer; None unless known with its source."""


@dataclass(frozen=True)
class AnswerShift:
    """Changes of first answers."""

    answers: int
    """First answers with a known final answer."""

    unassessed: int
    """First answers with an unknown final answer."""

    agreed: int
    """First answers that matched the model's."""

    changed: Estimate
    """Share of `answers` that changed."""

    to_model: int
    """Number changed to the model's answer."""

    elsewhere: int
    """Number changed to another answer."""

    referenced: int
    """Answers with a reference."""

    helped: int
    """Of these: wrong at first, right afterwards."""

    harmed: int
    """Of these: right at first, wrong afterwards."""

    first_right: Estimate
    """Share of these that was right at first."""

    final_right: Estimate
    """Share of these that was right afterwards."""


def final_answer(verdict: str | None, corrected: str | None, model: str | None) -> str | None:
    """Return a verdict's right answer: the model's, the correction, or None."""
    return model if verdict == "correct" else corrected or None


def measure_shift(answers: Sequence[BlindAnswer]) -> AnswerShift:
    """Return the changes over all questions with a blind first answer."""
    assessed_answers = [each for each in answers if each.final is not None]
    changed = [each for each in assessed_answers if not _same(each, each.first, each.final)]
    to_model = sum(_same(each, each.final, each.model) for each in changed)
    referenced_answers = [each for each in assessed_answers if each.reference is not None]
    before = [_right(each, each.first) for each in referenced_answers]
    after = [_right(each, each.final) for each in referenced_answers]
    changes = list(zip(before, after, strict=True))
    return AnswerShift(
        answers=len(assessed_answers),
        unassessed=len(answers) - len(assessed_answers),
        agreed=sum(_same(each, each.first, each.model) for each in assessed_answers),
        changed=_share(
            assessed_answers, [not _same(each, each.first, each.final) for each in assessed_answers]
        ),
        to_model=to_model,
        elsewhere=len(changed) - to_model,
        referenced=len(referenced_answers),
        helped=changes.count((False, True)),
        harmed=changes.count((True, False)),
        first_right=_share(referenced_answers, before),
        final_right=_share(referenced_answers, after),
    )


def _same(blind: BlindAnswer, one: str | None, other: str | None) -> bool:
    """Return whether two answers name the same option or are the same text."""
    return bool(one and other) and canonical_answer(one, blind.options) == canonical_answer(
        other, blind.options
    )


def _right(blind: BlindAnswer, answer: str | None) -> bool:
    return answer_is_right(answer, blind.options, blind.reference or "")


def _share(answers: Sequence[BlindAnswer], right: Sequence[bool]) -> Estimate:
    return ratio([(each.case, float(good), 1) for each, good in zip(answers, right, strict=True)])
