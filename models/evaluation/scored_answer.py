"""One answer judged: right or wrong, well formed, in how many steps, by which class."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from models.evaluation.answer_store import Answer, Arm
from models.evaluation.items import EvaluationItem, free_form
from models.evaluation.option_permutation import permuted
from models.reasoning.trace import parse
from models.scoring import (
    answer_is_right,
    format_is_right,
    is_abstention,
    normalised,
    option_index,
    said,
)

ProcessJudge = Callable[[str, EvaluationItem], float | None]
"""Process reward, 0..1, of a whole completion about a question; None abstains."""


@dataclass(frozen=True)
class Judged:
    """An answer beside what was asked."""

    item: EvaluationItem
    """The question as it was put, options in that order."""
    answer: Answer
    """What came back."""
    said: str
    """What it answers, for comparing: an option's text or its own, normalised; may be empty."""
    place: int | None
    """The option that it names, counted from 0; None if none, two, or without options."""
    right: bool
    """Whether that is right; an error is wrong."""
    formatted: bool
    """Whether the completion is well formed."""
    steps: int
    """Steps of its reasoning."""
    process: float | None
    """What the process judge gave, 0..1; None if it abstained or there is none."""

    @property
    def confidently_wrong(self) -> bool:
        """Whether it names something that is not so, instead of nothing."""
        if self.item.options and self.place is None:
            return False
        return bool(self.said) and not is_abstention(self.said) and not self.right

    @property
    def has_class(self) -> bool:
        """Whether the question is about the picture's class, so that it can be confused."""
        label = self.item.label
        return label is not None and normalised(label) == normalised(self.item.gold)

    @property
    def predicted(self) -> str:
        """The option it names, as it is written, and without options its own words, normalised.

        A right answer in words is the gold one; `no answer` if it names nothing.
        """
        if self.item.options:
            return "no answer" if self.place is None else self.item.options[self.place]
        return self.item.gold if self.right else self.said or "no answer"


def judge_all(
    items: Iterable[EvaluationItem],
    answers: Mapping[tuple[str, Arm], Answer],
    arm: Arm,
    judge: ProcessJudge | None = None,
) -> list[Judged]:
    """The answers of one arm, in the order of the questions; questions without one are left out."""
    changed = {"asked": lambda item: item, "permuted": permuted, "free-form": free_form}[arm]
    return [
        judge_one(changed(item), answers[item.id, arm], judge)
        for item in items
        if (item.id, arm) in answers
    ]


def judge_one(item: EvaluationItem, answer: Answer, judge: ProcessJudge | None = None) -> Judged:
    """One answer judged by the rules of `scoring`, which rewards use too."""
    trace = parse(answer.text)
    told = trace.answer
    # Read once, from what was written: its normalised text can read as another answer.
    place = option_index(told, item.options)
    if item.options:
        right = place is not None and place == option_index(item.gold, item.options)
    else:
        right = answer_is_right(told, (), item.gold)
    return Judged(
        item=item,
        answer=answer,
        said=said(told, item.options),
        place=place,
        right=right,
        formatted=format_is_right(answer.text),
        steps=len(trace.steps),
        process=judge(answer.text, item) if judge and not answer.error else None,
    )
