"""A scored answer: correctness, format, number of steps, predicted class."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from models.evaluation.answer_store import Arm, RecordedAnswer
from models.evaluation.items import EvaluationItem, without_options
from models.evaluation.option_permutation import reorder_options
from models.reasoning.trace import parse
from models.scoring import (
    answer_is_right,
    canonical_answer,
    format_is_right,
    is_abstention,
    last_option_named,
    normalise_text,
    option_index,
)

ProcessJudge = Callable[[str, EvaluationItem], float | None]
"""Process reward, 0..1, of a completion for a question; None abstains."""


@dataclass(frozen=True)
class ScoredAnswer:
    """An answer with its question."""

    item: EvaluationItem
    """The question as asked, options in that order."""
    answer: RecordedAnswer
    """The recorded answer."""
    canonical_text: str
    """Option's text or own words, normalised for comparison; may be empty."""
    option_index: int | None
    """Index of the option named, from 0; None for none, two, or a question without options."""
    right: bool
    """Whether it is correct; an error counts as wrong."""
    lenient_right: bool
    """Whether the last option that the completion names is right, whatever its format."""
    formatted: bool
    """Whether the completion is well formed."""
    steps: int
    """Number of reasoning steps."""
    process: float | None
    """Score from the process judge, 0..1; None if it abstained or there is none."""

    @property
    def is_confidently_wrong(self) -> bool:
        """Whether it makes a wrong claim instead of abstaining."""
        if self.item.options and self.option_index is None:
            return False
        return (
            bool(self.canonical_text) and not is_abstention(self.canonical_text) and not self.right
        )

    @property
    def has_class(self) -> bool:
        """Whether the question is about the picture's class, for the confusion matrix."""
        label = self.item.label
        return label is not None and normalise_text(label) == normalise_text(self.item.gold)

    @property
    def prediction(self) -> str:
        """Text of the option it names; without options its own words, normalised.

        A correct answer in words becomes the gold one; `no answer` if it names nothing.
        """
        if self.item.options:
            return (
                "no answer" if self.option_index is None else self.item.options[self.option_index]
            )
        return self.item.gold if self.right else self.canonical_text or "no answer"


def score_answers(
    items: Iterable[EvaluationItem],
    answers: Mapping[tuple[str, Arm], RecordedAnswer],
    arm: Arm,
    judge: ProcessJudge | None = None,
) -> list[ScoredAnswer]:
    """Score the answers of one arm in question order, skipping unanswered questions."""
    change = {"permuted": reorder_options, "free-form": without_options}.get(arm, _as_asked)
    return [
        score_answer(change(item), answers[item.id, arm], judge)
        for item in items
        if (item.id, arm) in answers
    ]


def _as_asked(item: EvaluationItem) -> EvaluationItem:
    return item


def score_answer(
    item: EvaluationItem, answer: RecordedAnswer, judge: ProcessJudge | None = None
) -> ScoredAnswer:
    """Score an answer by the rules of `scoring`, which rewards use too."""
    trace = parse(answer.text)
    answer_text = trace.answer
    # From the original text: its normalised form can read as another answer.
    place = option_index(answer_text, item.options)
    if item.options:
        right = place is not None and place == option_index(item.gold, item.options)
    else:
        right = answer_is_right(answer_text, (), item.gold)
    return ScoredAnswer(
        item=item,
        answer=answer,
        canonical_text=canonical_answer(answer_text, item.options),
        option_index=place,
        right=right,
        lenient_right=right or _last_named_is_right(answer_text or answer.text, item),
        formatted=format_is_right(answer.text),
        steps=len(trace.steps),
        process=judge(answer.text, item) if judge and not answer.error else None,
    )


def _last_named_is_right(text: str, item: EvaluationItem) -> bool:
    place = last_option_named(text, item.options)
    return place is not None and place == option_index(item.gold, item.options)
