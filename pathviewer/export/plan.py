"""The plan of an export and its tally."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pathviewer.export import (
    grpo_format,
    preference_format,
    sft_format,
    stepwise_format,
    unpaired_format,
)
from pathviewer.export.columns import COMMENTS_COLUMN, Column
from pathviewer.export.consensus import Rule
from pathviewer.export.evidence import EVIDENCE_COLUMNS
from pathviewer.export.formats import Format
from pathviewer.export.licence_terms import Terms
from pathviewer.export.licence_terms import as_json as terms_json
from pathviewer.export.splits import Shares
from storage.export_rows import Selection

FORMATS: Mapping[str, Format] = {
    each.name: each
    for each in (
        preference_format.FORMAT,
        unpaired_format.FORMAT,
        stepwise_format.FORMAT,
        grpo_format.FORMAT,
        sft_format.FORMAT,
    )
}
"""Formats by name on the command line."""


@dataclass(frozen=True)
class ExportPlan:
    """One export."""

    format: Format
    """Kind of rows."""
    rule: Rule = field(default_factory=Rule)
    """Rule for several raters."""
    shares: Shares = field(default_factory=Shares)
    """Sizes of the splits."""
    selection: Selection = field(default_factory=Selection)
    """Selected feedback."""
    comments: bool = False
    """Whether to include free text."""
    licence: str = ""
    """Licence for users; empty: not stated."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Columns of the files."""
        format_columns = (*self.format.all_columns, *EVIDENCE_COLUMNS)
        return (*format_columns, COMMENTS_COLUMN) if self.comments else format_columns


@dataclass
class ExportTally:
    """Counts of an export."""

    questions: int = 0
    """Questions with selected feedback."""
    items: int = 0
    """Judged items."""
    rows: Counter[str] = field(default_factory=Counter)
    """Rows by split."""
    groups: dict[str, set[str]] = field(default_factory=dict)
    """Groups by split."""
    pictures: dict[str, set[str]] = field(default_factory=dict)
    """Pictures by split, by SHA-256."""
    raters: set[str] = field(default_factory=set)
    """Raters with rows."""
    consenting_raters: set[str] = field(default_factory=set)
    """Raters that agreed to the licence, with or without feedback."""
    with_evidence: int = 0
    """Rows with evidence boxes."""
    models: dict[str, set[Terms]] = field(default_factory=dict)
    """Models with answers in rows, and their terms; a model folder's name may have several."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """Opinions by outcome."""
    names_known: int = 0
    """Votes of raters who may have known the authors of the answers."""
    without_row: Counter[str] = field(default_factory=Counter)
    """Opinions without a row, by reason."""
    conflicts: int = 0
    """Items with contradicting raters."""
    undecided: int = 0
    """Items without a row although a rater gave a usable value."""
    missing_pictures: int = 0
    """Questions left out because their picture is gone."""
    with_control_token: int = 0
    """Rows left out because a text holds a control token."""
    last_feedback_at: str = ""
    """Time of the newest feedback considered."""
    completion_ids: set[str] = field(default_factory=set)
    """Completions that rows contain or rest on, and those in `adjudication.jsonl`."""
    sha256: str = ""
    """SHA-256 of the manifest, which names this version of the data set."""

    def count_crossings(self) -> tuple[int, int]:
        """Return the numbers of groups and pictures in two splits; (0, 0) is the proof."""
        return _count_crossings(self.groups), _count_crossings(self.pictures)


def as_json(tally: ExportTally) -> dict[str, Any]:
    """Return the counts for a manifest."""
    groups, pictures = tally.count_crossings()
    return {
        "readings": tally.questions,
        "items": tally.items,
        "rows": {split: tally.rows[split] for split in sorted(tally.rows)},
        "models": terms_json(tally.models),
        "rows_with_evidence": tally.with_evidence,
        "judgments": dict(sorted(tally.outcomes.items())),
        "votes_with_names_perhaps_known": tally.names_known,
        "judgments_without_row": dict(sorted(tally.without_row.items())),
        "items_in_conflict": tally.conflicts,
        "items_undecided": tally.undecided,
        "readings_without_picture": tally.missing_pictures,
        "rows_with_control_token": tally.with_control_token,
        "groups_in_two_splits": groups,
        "pictures_in_two_splits": pictures,
    }


def _count_crossings(by_split: Mapping[str, set[str]]) -> int:
    counts = Counter(name for names in by_split.values() for name in names)
    return sum(count > 1 for count in counts.values())
