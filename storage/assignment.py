"""Reproducible random draws for assignments: items per rater, order and repeats."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from storage.worklists.records import WorklistRecord


@dataclass(frozen=True)
class Assignment:
    """An item or pair of a worklist assigned to a rater."""

    key: str
    """Id of the item or pair."""

    round: int
    """0, or 1 for a repeat."""

    ended_at: datetime | None
    """When the rater finished it, UTC; None until then."""

    skipped: bool
    """Whether the rater skipped it."""


def draw_number(purpose: str, owner: str, key: str) -> float:
    """Draw a reproducible number in [0, 1) from the three strings.

    It consists of the first 52 bits of a SHA-256, which a float holds exactly.
    """
    digest = hashlib.sha256(f"{purpose} {owner} {key}".encode()).hexdigest()
    return int(digest[:13], 16) / 16**13


def choose_repeat(
    worklist: WorklistRecord, assignments: Iterable[Assignment], rater_id: str, washed_out: datetime
) -> str | None:
    """Return the key of the oldest assignment due for its repeat; None if there is none."""
    in_order = list(assignments)
    repeated = {one.key for one in in_order if one.round}
    for one in in_order:
        due = one.ended_at is not None and one.ended_at <= washed_out and not one.skipped
        is_chosen = draw_number("repeat", rater_id, one.key) < worklist.repeats
        if due and is_chosen and one.key not in repeated:
            return one.key
    return None


def list_unassigned(
    worklist: WorklistRecord,
    keys: Iterable[str],
    seen_keys: Collection[str],
    keys_of_others: Collection[str],
) -> list[str]:
    """Keys new to a rater that are shared by all raters or not assigned to another."""
    return [
        key
        for key in keys
        if key not in seen_keys
        and (
            key not in keys_of_others or draw_number("shared", worklist.id, key) < worklist.overlap
        )
    ]


def choose_first(keys: Iterable[str], rater_id: str) -> str | None:
    """First key in the rater's own random order; None if there is none."""
    return min(keys, key=lambda key: draw_number("order", rater_id, key), default=None)
