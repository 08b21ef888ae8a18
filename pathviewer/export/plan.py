"""What an export is told, and what it tells of itself."""

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
"""By the name that the command line has."""


@dataclass(frozen=True)
class ExportPlan:
    """One export."""

    format: Format
    """Which rows."""
    rule: Rule = field(default_factory=Rule)
    """How several raters become rows."""
    shares: Shares = field(default_factory=Shares)
    """How large the splits are to be."""
    selection: Selection = field(default_factory=Selection)
    """Which judgments."""
    comments: bool = False
    """Whether free text goes out."""
    licence: str = ""
    """Under which others may use it; empty says nothing."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the files."""
        format_columns = (*self.format.all_columns, *EVIDENCE_COLUMNS)
        return (*format_columns, COMMENTS_COLUMN) if self.comments else format_columns


@dataclass
class ExportTally:
    """What became of the judgments."""

    questions: int = 0
    """Readings with judgments that were selected."""
    items: int = 0
    """Items that were judged."""
    rows: Counter[str] = field(default_factory=Counter)
    """Rows by split."""
    groups: dict[str, set[str]] = field(default_factory=dict)
    """Groups by split."""
    pictures: dict[str, set[str]] = field(default_factory=dict)
    """Pictures by split, by SHA-256."""
    raters: set[str] = field(default_factory=set)
    """Whose judgments became rows."""
    consenting_raters: set[str] = field(default_factory=set)
    """Raters that agreed to the licence, whether they judged or not."""
    with_evidence: int = 0
    """Rows that say where the model should have looked."""
    models: dict[str, set[Terms]] = field(default_factory=dict)
    """Whose answers became rows, on what terms; a folder of one name may have had several."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """Judgments by what they say."""
    names_known: int = 0
    """Votes cast when the rater may have known who wrote the answers."""
    without_row: Counter[str] = field(default_factory=Counter)
    """Judgments that made no row, by why."""
    conflicts: int = 0
    """Items whose raters contradict each other."""
    undecided: int = 0
    """Items of which no row came although somebody said what could be one."""
    missing_pictures: int = 0
    """Readings that were left out since their picture is gone."""
    with_control_token: int = 0
    """Rows that were left out since a text of theirs holds a control token."""
    last_feedback_at: str = ""
    """When the newest judgment was made that was looked at."""

    def count_crossings(self) -> tuple[int, int]:
        """Groups, and pictures, that stand in two splits; (0, 0) is the proof."""
        return _count_crossings(self.groups), _count_crossings(self.pictures)


def as_json(tally: ExportTally) -> dict[str, Any]:
    """The counts for a manifest."""
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
