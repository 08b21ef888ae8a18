"""Which pairs of an item's answers are compared: plans, and how likely each pair was drawn."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import Literal, get_args

from pathviewer.worklists.errors import WorklistError
from storage.comparisons.pairs import FrozenAnswer
from storage.comparisons.records import NewPair

Plan = Literal["one-per-item", "uniform", "between-models", "all"]
PLANS: tuple[str, ...] = get_args(Plan)


@dataclass(frozen=True)
class Drawing:
    """What came of a plan."""

    pairs: tuple[NewPair, ...]
    """As drawn, with their probabilities."""

    candidates: int
    """Pairs that the plan could have drawn."""

    same_text: int
    """Pairs left out since their texts are the same."""

    apart: int
    """Pairs left out since the models saw other pixels or read another prompt."""

    repeated: int
    """Pairs left out since another pair holds the same two texts by the same models."""


Pair = tuple[FrozenAnswer, FrozenAnswer]


def draw(answers: Sequence[FrozenAnswer], plan: str, count: int | None, seed: int) -> Drawing:
    """Pairs of answers to one item each; the same answers, plan and seed give the same pairs.

    Answers of one model with the same text make one pair with another, however many they are.
    `all` takes every pair; `uniform` draws `count` of them, each as likely as the other;
    `between-models` the same of those between two models or two weights of one; `one-per-item`
    one of each item, of `count` items. Without a count there are as many as can be. Raises
    WorklistError for a plan that is not known, or that draws nothing.
    """
    if plan not in PLANS:
        raise WorklistError(f"There is no plan “{plan[:40]}”; there are {', '.join(PLANS)}.")
    within = [
        pair
        for _, group in groupby(answers, key=lambda answer: answer.item_id)
        for pair in combinations(group, 2)
    ]
    together = [pair for pair in within if _seen(pair[0]) == _seen(pair[1])]
    differing = [pair for pair in together if pair[0].text != pair[1].text]
    told: dict[object, Pair] = {}
    for pair in differing:
        told.setdefault(_told(pair), pair)
    found = list(told.values())
    repeated = len(differing) - len(found)
    if plan == "between-models":
        found = [pair for pair in found if _writer(pair[0]) != _writer(pair[1])]
    same, apart = len(together) - len(differing), len(within) - len(together)
    lottery = random.Random(seed)  # noqa: S311  a lot that can be drawn again, no secret
    drawn = (
        _one_each(found, count, lottery)
        if plan == "one-per-item"
        else _some(found, None if plan == "all" else count, lottery)
    )
    if not drawn:
        raise WorklistError(
            f"There is no pair to draw by the plan {plan}: {len(within)} pairs of answers, "
            f"{same} of the same text, {apart} of other pixels or prompts. "
            "`worklist generate` makes more answers: --samples, or --beside with another model."
        )
    made = tuple(
        NewPair(one.item_id, one.completion_id, other.completion_id, plan, seed, probability)
        for (one, other), probability in drawn
    )
    return Drawing(made, len(found), same, apart, repeated)


def _some(
    found: Sequence[Pair], count: int | None, lottery: random.Random
) -> list[tuple[Pair, float]]:
    """So many of all pairs without replacement: each with the probability count / all."""
    number = len(found) if count is None else min(count, len(found))
    return [(pair, number / len(found)) for pair in lottery.sample(found, number)]


def _one_each(
    found: Iterable[Pair], count: int | None, lottery: random.Random
) -> list[tuple[Pair, float]]:
    """One pair of each of so many items: with the probability that the item is drawn, over its
    pairs."""
    of_items = [list(group) for _, group in groupby(found, key=lambda pair: pair[0].item_id)]
    number = len(of_items) if count is None else min(count, len(of_items))
    return [
        (lottery.choice(pairs), number / len(of_items) / len(pairs))
        for pairs in lottery.sample(of_items, number)
    ]


def _seen(answer: FrozenAnswer) -> tuple[str, str]:
    return answer.pixels_sha256, answer.prompt


def _told(pair: Pair) -> tuple[str, frozenset[tuple[str, str, str | None]]]:
    """What a rater would compare: who wrote which text about the item."""
    return pair[0].item_id, frozenset((each.text, *_writer(each)) for each in pair)


def _writer(answer: FrozenAnswer) -> tuple[str, str | None]:
    return answer.model, answer.model_revision
