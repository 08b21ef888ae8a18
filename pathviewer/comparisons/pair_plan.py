"""Pair plans: draw pairs of an item's completions, each with its probability."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import Literal, get_args

from pathviewer.comparisons import user_messages
from pathviewer.worklists.errors import WorklistError
from storage.comparisons.pairs import FrozenCompletion
from storage.comparisons.records import NewPair

PairPlan = Literal["one-per-item", "uniform", "between-models", "all"]
PAIR_PLANS: tuple[str, ...] = get_args(PairPlan)


@dataclass(frozen=True)
class PairDraw:
    """Result of a plan."""

    pairs: tuple[NewPair, ...]
    """Drawn pairs with their probabilities."""

    candidates: int
    """Pairs that the plan could draw from."""

    same_text: int
    """Pairs excluded because both texts are equal."""

    other_input: int
    """Pairs excluded because pixels or prompt differ."""

    repeated: int
    """Pairs excluded because another pair has the same two texts by the same models."""


Pair = tuple[FrozenCompletion, FrozenCompletion]


def draw_pairs(
    answers: Sequence[FrozenCompletion], plan: str, count: int | None, seed: int
) -> PairDraw:
    """Draw pairs of completions of the same item; deterministic for answers, plan and seed.

    Equal texts by one model count as one. The plan `all` takes every pair; `uniform` draws `count`
    pairs with equal probability; `between-models` does so among pairs of different models or
    weights; `one-per-item` draws `count` items and one pair of each. `count` None means all.
    Raises WorklistError for an unknown plan or if there is nothing to draw.
    """
    if plan not in PAIR_PLANS:
        raise WorklistError(user_messages.unknown_plan(plan[:40], PAIR_PLANS))
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
    lottery = random.Random(seed)  # noqa: S311  reproducible draw, not a secret
    sampled = (
        _sample_items(candidates, count, lottery)
        if plan == "one-per-item"
        else _sample_pairs(candidates, None if plan == "all" else count, lottery)
    )
    if not sampled:
        raise WorklistError(
            user_messages.no_pair_to_draw(plan, len(within), same_text, other_input)
        )
    new_pairs = tuple(
        NewPair(first.item_id, first.completion_id, second.completion_id, plan, seed, probability)
        for (first, second), probability in sampled
    )
    return PairDraw(new_pairs, len(candidates), same_text, other_input, repeated)


def _sample_pairs(
    candidates: Sequence[Pair], count: int | None, lottery: random.Random
) -> list[tuple[Pair, float]]:
    """Draw `count` pairs without replacement; each has the probability count / all."""
    number = len(candidates) if count is None else min(count, len(candidates))
    return [(pair, number / len(candidates)) for pair in lottery.sample(candidates, number)]


def _sample_items(
    candidates: Iterable[Pair], count: int | None, lottery: random.Random
) -> list[tuple[Pair, float]]:
    """Draw one pair of each of `count` items; the probability is the item's, divided by its number
    of pairs."""
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
    """Return the pair's identity for a rater: the item, and each text with its model."""
    return pair[0].item_id, frozenset((each.text, *_author(each)) for each in pair)


def _author(answer: FrozenCompletion) -> tuple[str, str | None]:
    return answer.model, answer.model_revision
