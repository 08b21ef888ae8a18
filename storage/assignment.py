"""Lots that are drawn once and for all: who judges what, in which order, and what comes again."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from storage.worklists.records import WorklistRecord


@dataclass(frozen=True)
class Assignment:
    """Something of a worklist that a rater was given: an item, or a pair."""

    key: str
    """Of the item or pair."""

    round: int
    """0, or 1 for a repeat."""

    ended_at: datetime | None
    """When he was done with it, UTC."""

    skipped: bool
    """Whether he passed it over."""


def draw_number(purpose: str, owner: str, key: str) -> float:
    """A number from 0 to below 1; the same three words give the same one for ever.

    The first 52 bits of a SHA-256, which is as much as a float holds.
    """
    digest = hashlib.sha256(f"{purpose} {owner} {key}".encode()).hexdigest()
    return int(digest[:13], 16) / 16**13


def choose_repeat(
    worklist: WorklistRecord, assignments: Iterable[Assignment], rater_id: str, washed_out: datetime
) -> str | None:
    """What was given first of that whose time to come again has come; the oldest come first."""
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
    """What is new to a rater and his to judge: shared by all, or nobody else's yet."""
    return [
        key
        for key in keys
        if key not in seen_keys
        and (
            key not in keys_of_others or draw_number("shared", worklist.id, key) < worklist.overlap
        )
    ]


def choose_first(keys: Iterable[str], rater_id: str) -> str | None:
    """What comes first in the rater's own order; None if there is nothing."""
    return min(keys, key=lambda key: draw_number("order", rater_id, key), default=None)
