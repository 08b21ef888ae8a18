"""Evaluation figures, each share with its 95 % interval resampled by group."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import mean
from typing import Any

from models.evaluation.items import EvaluationItem
from models.evaluation.scored_answer import ScoredAnswer
from models.resampling import difference_interval, permutation_p, share_interval
from models.scoring import ABSTENTIONS, normalise_text, option_index

Figures = dict[str, Any]
"""JSON values; None where undefined."""


def report(answers: Sequence[ScoredAnswer]) -> Figures:
    """Figures of one model over unmodified questions.

    Unscored questions appear only under `unknown`.
    """
    scored = [judged for judged in answers if judged.item.scored]
    done = [judged.answer for judged in answers if not judged.answer.error]
    seconds = sum(answer.seconds for answer in done)
    return {
        **share_with_interval("accuracy", scored, lambda judged: judged.right),
        **share_with_interval("lenient_accuracy", scored, lambda judged: judged.lenient_right),
        **share_with_interval("process_score", scored, lambda judged: judged.process),
        "n": len(scored),
        "groups": len({judged.item.group for judged in scored}),
        "chance": guessing_share(scored),
        "constant": constant_answer_share([judged.item for judged in scored]),
        "format_rate": _mean(float(judged.formatted) for judged in scored),
        "mean_steps": _mean(float(judged.steps) for judged in scored),
        "tokens_per_s": sum(answer.tokens for answer in done) / seconds if seconds else None,
        "failed": sum(bool(judged.answer.error) for judged in answers),
        "cut_off": sum(judged.answer.finish == "length" for judged in answers),
        "per_question_type": per_question_type(scored),
        "per_class": per_class(scored),
        "confusion": confusion(scored),
        "unknown": figures_of_unknown([judged for judged in answers if not judged.item.scored]),
    }


def share_with_interval(
    name: str, answers: Sequence[ScoredAnswer], value: Callable[[ScoredAnswer], float | None]
) -> Figures:
    """Mean and interval under `name`, `name_low`, `name_high`; None where undefined."""
    values = [(found, one.item.group) for one in answers if (found := value(one)) is not None]
    interval = share_interval([float(found) for found, _ in values], [group for _, group in values])
    return {
        name: interval.mean if interval else None,
        f"{name}_low": interval.low if interval else None,
        f"{name}_high": interval.high if interval else None,
    }


def guessing_share(answers: Sequence[ScoredAnswer]) -> float | None:
    """Expected accuracy of guessing an option; 0 for an open question, None if all are open."""
    counts = [len(answer.item.options) for answer in answers]
    return mean(1 / count if count else 0.0 for count in counts) if any(counts) else None


def constant_answer_share(items: Sequence[EvaluationItem]) -> float | None:
    """Best accuracy of one constant answer, a letter or a text, per question type.

    The constant is chosen knowing the correct answers.
    """
    kinds: dict[str, Counter[int | str]] = defaultdict(Counter)
    for item in items:
        place = option_index(item.gold, item.options)
        right = kinds[item.question_type]
        if place is not None:
            right[place] += 1
        right[normalise_text(item.gold if place is None else item.options[place])] += 1
    best = sum(max(answers.values()) for answers in kinds.values())
    return best / len(items) if items else None


def per_question_type(answers: Sequence[ScoredAnswer]) -> dict[str, Figures]:
    """Accuracy, format rate and process score by question type."""
    kinds = sorted({one.item.question_type for one in answers})
    by_type = {}
    for kind in kinds:
        type_answers = [one for one in answers if one.item.question_type == kind]
        by_type[kind] = {
            "n": len(type_answers),
            **share_with_interval("accuracy", type_answers, lambda one: one.right),
            "chance": guessing_share(type_answers),
            "constant": constant_answer_share([one.item for one in type_answers]),
            "format_rate": _mean(float(one.formatted) for one in type_answers),
            **share_with_interval("process_score", type_answers, lambda one: one.process),
        }
    return by_type


def per_class(answers: Sequence[ScoredAnswer]) -> dict[str, Figures]:
    """Recall (with interval) and precision by class."""
    classed = [one for one in answers if one.has_class]
    predictions = name_predictions(classed)
    by_class = {}
    for name in sorted({one.item.gold for one in classed}):
        class_answers = [one for one in classed if one.item.gold == name]
        claimed = [one for one, answer in zip(classed, predictions, strict=True) if answer == name]
        by_class[name] = {
            "n": len(class_answers),
            **share_with_interval("accuracy", class_answers, lambda one: one.right),
            "precision": _mean(float(one.right) for one in claimed),
        }
    return by_class


def confusion(answers: Sequence[ScoredAnswer]) -> dict[str, dict[str, int]]:
    """Number of answers by class and answer."""
    classed = [one for one in answers if one.has_class]
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one, answer in zip(classed, name_predictions(classed), strict=True):
        counts[one.item.gold][answer] += 1
    return {name: dict(sorted(counts[name].items())) for name in sorted(counts)}


def name_predictions(answers: Sequence[ScoredAnswer]) -> list[str]:
    """What each answer names: an option, or without options a class or an abstention.

    Other answers become `other words`, so that the matrix has only columns for classes and options.
    """
    names = ("no answer", *ABSTENTIONS, *(one.item.gold for one in answers))
    names_by_text = {normalise_text(name): name for name in names}
    return [
        one.prediction
        if one.item.options
        else names_by_text.get(normalise_text(one.prediction), "other words")
        for one in answers
    ]


def figures_of_unknown(answers: Sequence[ScoredAnswer]) -> Figures | None:
    """How often a claim was made about what the model cannot know; None without such questions.

    Questions that ended in an error are counted and left out of the rate.
    """
    if not answers:
        return None
    labels = Counter(one.item.label or one.item.gold for one in answers)
    answered = [one for one in answers if not one.answer.error]
    return {
        "n": len(answers),
        "failed": len(answers) - len(answered),
        "labels": dict(sorted(labels.items())),
        **share_with_interval(
            "confidently_wrong_rate", answered, lambda one: one.is_confidently_wrong
        ),
    }


def figures_of_change(
    original: Sequence[ScoredAnswer], repeated: Sequence[ScoredAnswer]
) -> Figures:
    """Accuracy on a question variant, and the share of answers that change.

    Questions that ended in an error in either variant are counted and left out of that share.
    """
    before = {one.item.id: one for one in original}
    answered = [
        one for one in repeated if not one.answer.error and not before[one.item.id].answer.error
    ]
    return {
        "n": len(repeated),
        "failed": len(repeated) - len(answered),
        **share_with_interval("accuracy", repeated, lambda one: one.right),
        **share_with_interval(
            "asked_accuracy", [before[one.item.id] for one in repeated], lambda one: one.right
        ),
        **share_with_interval(
            "changed",
            answered,
            lambda one: one.canonical_text != before[one.item.id].canonical_text,
        ),
    }


def compare(first: Sequence[ScoredAnswer], second: Sequence[ScoredAnswer]) -> Figures:
    """Paired difference between the first model and the second."""
    other = {one.item.id: one for one in second}
    pairs = [(one, other[one.item.id]) for one in first if one.item.id in other]
    pairs = [pair for pair in pairs if pair[0].item.scored]
    right = [(float(one.right) - float(two.right), one.item.group) for one, two in pairs]
    process = [
        (one.process - two.process, one.item.group)
        for one, two in pairs
        if one.process is not None and two.process is not None
    ]
    return {
        **_difference("", right),
        **_difference("process_", process),
        "only_first_right": sum(value > 0 for value, _ in right),
        "only_second_right": sum(value < 0 for value, _ in right),
    }


def _difference(prefix: str, paired: Sequence[tuple[float, str]]) -> Figures:
    """Mean difference with its interval and the p-value of a group-level permutation test."""
    values = [value for value, _ in paired]
    groups = [group for _, group in paired]
    interval = difference_interval(values, groups)
    return {
        f"{prefix}difference": interval.mean if interval else None,
        f"{prefix}difference_low": interval.low if interval else None,
        f"{prefix}difference_high": interval.high if interval else None,
        f"{prefix}p": permutation_p(values, groups) if interval else None,
    }


def _mean(values: Iterable[float | None]) -> float | None:
    """Mean of the values that are not None; None if there are none."""
    known = [value for value in values if value is not None]
    return mean(known) if known else None
