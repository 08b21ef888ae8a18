"""Assignment of rows to splits; no tissue is in two splits.

A group is everything that may show the same tissue: slides of one case, files with one fingerprint,
questions with one picture. Its split follows from a hash of its name, so it is stable when groups
are added and the same in every format.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pathviewer.common.pseudonym import pseudonym
from pathviewer.export import user_messages
from pathviewer.export.errors import ExportError
from storage.export_groups import TissueKey

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Shares:
    """Shares of the groups per split; they add up to 1."""

    train: float = 0.8
    """For training."""
    validation: float = 0.1
    """For model selection."""
    test: float = 0.1
    """For reporting."""

    def split_of(self, place: float) -> str:
        """Return the split of a group whose hash is at `place`, 0 to 1."""
        if place < self.train:
            return "train"
        return "validation" if place < self.train + self.validation else "test"


@dataclass(frozen=True)
class Groups:
    """The group of each slide and the split of each group."""

    group_of: Mapping[str, str]
    """Pseudonym of the group by slide id."""
    split_of: Mapping[str, str]
    """Split by pseudonym of the group."""


def parse_shares(text: str) -> Shares:
    """Parse the command line's shares: three numbers, as in 0.8,0.1,0.1. Raises ExportError."""
    parts = text.split(",")
    try:
        train, validation, test = (float(part) for part in parts)
    except ValueError:
        train = validation = test = -1.0
    total = train + validation + test
    if not (train > 0 and validation >= 0 and test >= 0 and abs(total - 1) < 1e-9):
        raise ExportError(user_messages.shares_malformed(text))
    return Shares(train, validation, test)


def group_slides(records: Sequence[TissueKey], shares: Shares) -> Groups:
    """Return the groups of all judged slides with their splits.

    The group with the lowest hash is always in train, so train is never empty.
    """
    parents: dict[str, str] = {}
    for tissue in records:
        first, *others = _marks(tissue)
        for mark in others:
            _join(parents, first, mark)
    names = _names(records, parents)
    places = {name: _place(name) for name in names.values()}
    lowest = min(places, key=lambda name: (places[name], name), default=None)
    splits = {
        name: "train" if name == lowest else shares.split_of(place)
        for name, place in sorted(places.items())
    }
    return Groups(names, splits)


def _marks(tissue: TissueKey) -> list[str]:
    """Return the marks that a question shares with others of the same tissue, its slide first."""
    marks = [f"slide {tissue.slide_id}", f"pixels {tissue.pixels_sha256}"]
    if tissue.case_id:
        marks.append(f"case {tissue.case_id}")
    if tissue.quickhash:
        marks.append(f"file {tissue.quickhash}")
    return marks


def _names(records: Iterable[TissueKey], parents: dict[str, str]) -> dict[str, str]:
    """Return the group's pseudonym by slide, from its first case or else its first slide."""
    members: dict[str, set[tuple[int, str, str]]] = {}
    for tissue in records:
        root = _root(parents, f"slide {tissue.slide_id}")
        own = members.setdefault(root, set())
        own.add((1, "slide", tissue.slide_id))
        if tissue.case_id:
            own.add((0, "case", tissue.case_id))
    called = {root: pseudonym(*min(own)[1:]) for root, own in members.items()}
    return {
        tissue.slide_id: called[_root(parents, f"slide {tissue.slide_id}")] for tissue in records
    }


def _place(name: str) -> float:
    return int(hashlib.sha256(f"split {name}".encode()).hexdigest()[:13], 16) / 16**13


def _root(parents: dict[str, str], mark: str) -> str:
    parents.setdefault(mark, mark)
    while parents[mark] != mark:
        parents[mark] = parents[parents[mark]]
        mark = parents[mark]
    return mark


def _join(parents: dict[str, str], left: str, right: str) -> None:
    first, second = sorted((_root(parents, left), _root(parents, right)))
    parents[second] = first
