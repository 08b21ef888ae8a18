"""Which pairs of an item's answers are compared: plans, and how likely each pair was drawn."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import Literal, get_args

from pathviewer.worklists.errors import WorklistError
from storage.comparisons.pairs import FrozenCompletion
from storage.comparisons.records import NewPair

PairPlan = Literal["one-per-item", "uniform", "between-models", "all"]
PAIR_PLANS: tuple[str, ...] = get_args(PairPlan)


@dataclass(frozen=True)
class PairDraw:
    """What came of a plan."""

    pairs: tuple[NewPair, ...]
    """As drawn, with their probabilities."""

    candidates: int
    """Pairs that the plan could have drawn."""

    same_text: int
    """Pairs left out since their texts are the same."""

    other_input: int
    """Pairs left out since the models saw other pixels or read another prompt."""

    repeated: int
    """Pairs left out since another pair holds the same two texts by the same models."""


Pair = tuple[FrozenCompletion, FrozenCompletion]


def draw_pairs(
    answers: Sequence[FrozenCompletion], plan: str, count: int | None, seed: int
) -> PairDraw:
    """Pairs of answers to one item each; the same answers, plan and seed give the same pairs.

    Answers of one model with the same text make one pair with another, however many they are.
    `all` takes every pair; `uniform` draws `count` of them, each as likely as the other;
    `between-models` the same of those between two models or two weights of one; `one-per-item`
    one of each item, of `count` items. Without a count there are as many as can be. Raises
    WorklistError for a plan that is not known, or that draws nothing.
    """
    if plan not in PAIR_PLANS:
        raise WorklistError(f"There is no plan “{plan[:40]}”; there are {', '.join(PAIR_PLANS)}.")
    within = [
        pair
        for _, group in groupby(answers, key=lambda answer: answer.item_id)
        for pair in combinations(group, 2)
    ]
    together = [pair for pair in within if _input_key(pair[0]) == _input_key(pair[1])]
    differing = [pair for pair in together if pair[0].text != pair[1].text]
    distinct: dict[object, Pair] = {}
    for pair in differing:
        distinct.setdefault(_text_key(pair), pair)
    candidates = list(distinct.values())
    repeated = len(differing) - len(candidates)
    if plan == "between-models":
        candidates = [pair for pair in candidates if _author(pair[0]) != _author(pair[1])]
    same_text, other_input = len(together) - len(differing), len(within) - len(together)
    lottery = random.Random(seed)  # noqa: S311  a lot that can be drawn again, no secret
    sampled = (
        _sample_items(candidates, count, lottery)
        if plan == "one-per-item"
        else _sample_pairs(candidates, None if plan == "all" else count, lottery)
    )
    if not sampled:
        raise WorklistError(
            f"There is no pair to draw by the plan {plan}: {len(within)} pairs of answers, "
            f"{same_text} of the same text, {other_input} of other pixels or prompts. "
            "`worklist generate` makes more answers: --samples, or --beside with another model."
        )
    new_pairs = tuple(
        NewPair(first.item_id, first.completion_id, second.completion_id, plan, seed, probability)
        for (first, second), probability in sampled
    )
    return PairDraw(new_pairs, len(candidates), same_text, other_input, repeated)


def _sample_pairs(
    candidates: Sequence[Pair], count: int | None, lottery: random.Random
) -> list[tuple[Pair, float]]:
    """So many of all pairs without replacement: each with the probability count / all."""
    number = len(candidates) if count is None else min(count, len(candidates))
    return [(pair, number / len(candidates)) for pair in lottery.sample(candidates, number)]


def _sample_items(
    candidates: Iterable[Pair], count: int | None, lottery: random.Random
) -> list[tuple[Pair, float]]:
    """One pair of each of so many items: with the probability that the item is drawn, over its
    pairs."""
    pairs_by_item = [
        list(group) for _, group in groupby(candidates, key=lambda pair: pair[0].item_id)
    ]
    number = len(pairs_by_item) if count is None else min(count, len(pairs_by_item))
    return [
        (lottery.choice(pairs), number / len(pairs_by_item) / len(pairs))
        for pairs in lottery.sample(pairs_by_item, number)
    ]


def _input_key(answer: FrozenCompletion) -> tuple[str, str]:
    return answer.pixels_sha256, answer.prompt


def _text_key(pair: Pair) -> tuple[str, frozenset[tuple[str, str, str | None]]]:
    """What a rater would compare: who wrote which text about the item."""
    return pair[0].item_id, frozenset((each.text, *_author(each)) for each in pair)


def _author(answer: FrozenCompletion) -> tuple[str, str | None]:
    return answer.model, answer.model_revision
