"""Reordering of a question's options where that keeps its meaning."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from models.evaluation.items import EvaluationItem, shuffle_options
from models.scoring import is_abstention, letter, normalise_text

COLLECTIVE = re.compile(
    r"(?:all|both|any|none|neither|either)(?: of)?(?: the| these| those| them)?"
    r"(?: above| options| answers| choices)?|.* above"
)
"""Options that refer to the others as a whole, normalised: `all of the above`, `both`."""

POSITIONS = re.compile(
    r"(?i:\b(?:first|second|third|last|former|latter|previous|preceding|following|other)\s+"
    r"(?:two|three|options?|answers?|choices?)\b)"
)
"""Options named by position."""


def reorder_options(item: EvaluationItem) -> EvaluationItem:
    """Reorder a question's options, leaving fixed ones in place."""
    movable = movable_places(item)
    choices = [item.options[place] for place in movable]
    order = shuffle_options(choices, f"permuted\n{item.id}")
    if list(order) == choices and len(choices) > 1:
        order = (*choices[1:], choices[0])
    options = list(item.options)
    for place, option in zip(movable, order, strict=True):
        options[place] = option
    return replace(item, options=tuple(options))


def can_reorder_options(item: EvaluationItem) -> bool:
    """Whether reordering keeps the question's meaning.

    It does not if fewer than two options can move, if one names others by letter or position ("Both
    A and B"), or if one that refers to all above it precedes another.
    """
    movable = movable_places(item)
    if len(movable) < 2 or any(_names_others(one, len(item.options)) for one in item.options):
        return False
    before = item.options[: movable[-1]]
    return not any(normalise_text(option).endswith(" above") for option in before)


def movable_places(item: EvaluationItem) -> list[int]:
    """Positions of the options that can move."""
    return [
        place
        for place, option in enumerate(item.options)
        if not is_abstention(option) and not _collective(option)
    ]


def _collective(option: str) -> bool:
    """Whether an option refers to others as a whole."""
    return COLLECTIVE.fullmatch(normalise_text(option)) is not None


def _names_others(option: str, count: int) -> bool:
    """Whether an option names others by letter or position; `count` options have letters."""
    text = unicodedata.normalize("NFKC", option).strip()
    capitals = "".join(letter(place) for place in range(min(count, 26)))
    mark = rf"\(?[{capitals}]\)?"
    small = rf"\(?[{capitals.lower()}]\)?"
    joined = r"\s*(?:,|/|&|\+|\band\b|\bor\b|\bnor\b)\s*"
    pairs = rf"(?<!\w){mark}{joined}{mark}(?!\w)|(?<!\w){small}{joined}{small}(?!\w)"
    pattern = rf"(?i:\b(?:both|either|neither|options?|answers?|choices?|only))\s+{mark}(?!\w)"
    alone = rf"(?<!\w){mark}\s+(?i:only|alone)\b"
    return bool(re.search(f"{pairs}|{pattern}|{alone}", text) or POSITIONS.search(text))
