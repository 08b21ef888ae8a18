"""Another picture for each question, whose right answer differs: the control of what was seen.

A blank picture is a weak control, because models learn that blank means empty glass. A picture of
something else is not blank, and the right answer to the question is wrong of it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from models.evaluation.items import EvaluationItem
from models.scoring import normalise_text, option_index


def other_pictures(items: Sequence[EvaluationItem]) -> dict[str, Path]:
    """By question id, a picture of another group, with another answer to the same type of question.

    The choice depends on the ids alone. Questions without such a picture are left out.
    """
    by_type: dict[str, list[EvaluationItem]] = defaultdict(list)
    for item in items:
        if item.scored and item.options:
            by_type[item.question_type].append(item)
    others = {}
    for same_type in by_type.values():
        for item in same_type:
            fitting = [other for other in same_type if _differs(item, other)]
            if fitting:
                others[item.id] = min(fitting, key=lambda other: _order(item, other)).image
    return others


def _differs(item: EvaluationItem, other: EvaluationItem) -> bool:
    return (
        other.group != item.group and other.image != item.image and _answer(other) != _answer(item)
    )


def _answer(item: EvaluationItem) -> str:
    place = option_index(item.gold, item.options)
    return normalise_text(item.gold if place is None else item.options[place])


def _order(item: EvaluationItem, other: EvaluationItem) -> str:
    return hashlib.sha256(f"{item.id}\n{other.id}".encode()).hexdigest()
