"""The figures of an evaluation, each share with its 95 % interval resampled by group."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import mean
from typing import Any

from models.evaluation.items import EvaluationItem
from models.evaluation.scored_answer import Judged
from models.resampling import difference_interval, permutation_p, share_interval
from models.scoring import ABSTENTIONS, normalised, option_index

Figures = dict[str, Any]
"""JSON values; None for what cannot be told."""


def report(asked: Sequence[Judged]) -> Figures:
    """Figures of one model over the questions as they were asked.

    Questions that are not scored appear under `unknown` only.
    """
    scored = [judged for judged in asked if judged.item.scored]
    done = [judged.answer for judged in asked if not judged.answer.error]
    seconds = sum(answer.seconds for answer in done)
    return {
        **share("accuracy", scored, lambda judged: judged.right),
        **share("process_score", scored, lambda judged: judged.process),
        "n": len(scored),
        "groups": len({judged.item.group for judged in scored}),
        "chance": _mean(chance(judged) for judged in scored),
        "constant": constant([judged.item for judged in scored]),
        "format_rate": _mean(float(judged.formatted) for judged in scored),
        "mean_steps": _mean(float(judged.steps) for judged in scored),
        "tokens_per_s": sum(answer.tokens for answer in done) / seconds if seconds else None,
        "failed": sum(bool(judged.answer.error) for judged in asked),
        "per_question_type": per_question_type(scored),
        "per_class": per_class(scored),
        "confusion": confusion(scored),
        "unknown": unknown([judged for judged in asked if not judged.item.scored]),
    }


def share(name: str, judged: Sequence[Judged], value: Callable[[Judged], float | None]) -> Figures:
    """A mean with its interval under `name`, `name_low`, `name_high`; None where undefined."""
    known = [(found, one.item.group) for one in judged if (found := value(one)) is not None]
    interval = share_interval([float(found) for found, _ in known], [group for _, group in known])
    return {
        name: interval.mean if interval else None,
        f"{name}_low": interval.low if interval else None,
        f"{name}_high": interval.high if interval else None,
    }


def chance(judged: Judged) -> float | None:
    """Chance of guessing right; None for an open question."""
    options = judged.item.options
    return 1 / len(options) if options else None


def constant(items: Sequence[EvaluationItem]) -> float | None:
    """Share right of whoever gives every question of a type the same answer, a letter or a text.

    Which one it is, is chosen with the right answers in view: no constant reaches more.
    """
    kinds: dict[str, Counter[int | str]] = defaultdict(Counter)
    for item in items:
        place = option_index(item.gold, item.options)
        right = kinds[item.question_type]
        if place is not None:
            right[place] += 1
        right[normalised(item.gold if place is None else item.options[place])] += 1
    best = sum(max(answers.values()) for answers in kinds.values())
    return best / len(items) if items else None


def per_question_type(judged: Sequence[Judged]) -> dict[str, Figures]:
    """Accuracy, format rate and process score of each type of question."""
    kinds = sorted({one.item.question_type for one in judged})
    found = {}
    for kind in kinds:
        own = [one for one in judged if one.item.question_type == kind]
        found[kind] = {
            "n": len(own),
            **share("accuracy", own, lambda one: one.right),
            "chance": _mean(chance(one) for one in own),
            "constant": constant([one.item for one in own]),
            "format_rate": _mean(float(one.formatted) for one in own),
            **share("process_score", own, lambda one: one.process),
        }
    return found


def per_class(judged: Sequence[Judged]) -> dict[str, Figures]:
    """Of each class how much was found (recall, with interval) and how much of it was so."""
    classed = [one for one in judged if one.has_class]
    told = named(classed)
    found = {}
    for name in sorted({one.item.gold for one in classed}):
        own = [one for one in classed if one.item.gold == name]
        claimed = [one for one, answer in zip(classed, told, strict=True) if answer == name]
        found[name] = {
            "n": len(own),
            **share("accuracy", own, lambda one: one.right),
            "precision": _mean(float(one.right) for one in claimed),
        }
    return found


def confusion(judged: Sequence[Judged]) -> dict[str, dict[str, int]]:
    """How often each class was given which answer."""
    classed = [one for one in judged if one.has_class]
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one, answer in zip(classed, named(classed), strict=True):
        counts[one.item.gold][answer] += 1
    return {name: dict(sorted(counts[name].items())) for name in sorted(counts)}


def named(classed: Sequence[Judged]) -> list[str]:
    """What each answer names: an option, or without options a class or a way to decline.

    Words that are neither are `other words`, so that a matrix keeps to as many columns as it has
    classes and options.
    """
    names = ("no answer", *ABSTENTIONS, *(one.item.gold for one in classed))
    known = {normalised(name): name for name in names}
    return [
        one.predicted if one.item.options else known.get(normalised(one.predicted), "other words")
        for one in classed
    ]


def unknown(judged: Sequence[Judged]) -> Figures | None:
    """How often something was claimed of what the model cannot know; None if none was asked.

    Questions that ended in an error are counted and left out of the rate.
    """
    if not judged:
        return None
    labels = Counter(one.item.label or one.item.gold for one in judged)
    answered = [one for one in judged if not one.answer.error]
    return {
        "n": len(judged),
        "failed": len(judged) - len(answered),
        "labels": dict(sorted(labels.items())),
        **share("confidently_wrong_rate", answered, lambda one: one.confidently_wrong),
    }


def change(asked: Sequence[Judged], again: Sequence[Judged]) -> Figures:
    """Accuracy when questions are put another way, and the share of answers that change.

    Questions that ended in an error either way are counted and left out of that share.
    """
    before = {one.item.id: one for one in asked}
    answered = [
        one for one in again if not one.answer.error and not before[one.item.id].answer.error
    ]
    return {
        "n": len(again),
        "failed": len(again) - len(answered),
        **share("accuracy", again, lambda one: one.right),
        **share("asked_accuracy", [before[one.item.id] for one in again], lambda one: one.right),
        **share("changed", answered, lambda one: one.said != before[one.item.id].said),
    }


def compare(first: Sequence[Judged], second: Sequence[Judged]) -> Figures:
    """How much better the first model is than the second, question by question."""
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
    """Mean difference with its interval and the p of a group-level permutation test."""
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
    """Mean of what is known; None if nothing is."""
    known = [value for value in values if value is not None]
    return mean(known) if known else None
