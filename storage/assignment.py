"""Lots that are drawn once and for all: who judges what, in which order, and what comes again."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from storage.worklists.records import WorklistRecord


@dataclass(frozen=True)
class Held:
    """Something of a worklist that a rater was given: an item, or a pair."""

    key: str
    """Of the item or pair."""

    round: int
    """0, or 1 for a repeat."""

    ended_at: datetime | None
    """When he was done with it, UTC."""

    skipped: bool
    """Whether he passed it over."""


def lot(what: str, owner: str, key: str) -> float:
    """A number from 0 to below 1; the same three words give the same one for ever.

    The first 52 bits of a SHA-256, which is as much as a float holds.
    """
    digest = hashlib.sha256(f"{what} {owner} {key}".encode()).hexdigest()
    return int(digest[:13], 16) / 16**13


def to_repeat(
    worklist: WorklistRecord, held: Iterable[Held], rater_id: str, washed_out: datetime
) -> str | None:
    """What was given first of that whose time to come again has come; the oldest come first."""
    given = list(held)
    repeated = {one.key for one in given if one.round}
    for one in given:
        due = one.ended_at is not None and one.ended_at <= washed_out and not one.skipped
        drawn = lot("repeat", rater_id, one.key) < worklist.repeats
        if due and drawn and one.key not in repeated:
            return one.key
    return None


def still_free(
    worklist: WorklistRecord, keys: Iterable[str], seen: Collection[str], of_others: Collection[str]
) -> list[str]:
    """What is new to a rater and his to judge: shared by all, or nobody else's yet."""
    return [
        key
        for key in keys
        if key not in seen
        and (key not in of_others or lot("shared", worklist.id, key) < worklist.overlap)
    ]


def first_in_order(keys: Iterable[str], rater_id: str) -> str | None:
    """What comes first in the rater's own order; None if there is nothing."""
    return min(keys, key=lambda key: lot("order", rater_id, key), default=None)
