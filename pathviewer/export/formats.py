"""The interface of a format: items of a question, and the row of a decided value."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pathviewer.common.pseudonym import pseudonym
from pathviewer.export.columns import COMMON_COLUMNS, Column
from pathviewer.export.consensus import Opinion
from storage.export_rows import ExportedFeedback, ExportedQuestion


@dataclass(frozen=True)
class ExportItem:
    """One item and its raters' opinions."""

    ids: tuple[str, ...]
    """Ids of its completions, or of the question if the item is about the question."""
    opinions: tuple[Opinion, ...]
    """One per rater."""
    make_row: Callable[[Hashable], dict[str, Any]]
    """Returns the format's own columns for a decided value."""


@dataclass(frozen=True)
class Format:
    """One kind of export."""

    name: str
    """Name on the command line."""
    trainer: str
    """Trainer that reads it."""
    columns: tuple[Column, ...]
    """Its own columns; `COMMON_COLUMNS` follow."""
    list_items: Callable[[ExportedQuestion], Iterable[ExportItem]]
    """Returns the items of a question."""

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """Own and common columns, in file order."""
        return (*self.columns, *COMMON_COLUMNS)


def group_by_completion(
    question: ExportedQuestion, kinds: Sequence[str]
) -> Iterator[tuple[str, dict[str, dict[str, ExportedFeedback]]]]:
    """Yield each completion with feedback of these kinds, and its feedback by rater and kind."""
    by_id: dict[str, dict[str, dict[str, ExportedFeedback]]] = {}
    for each in question.feedback:
        if each.kind in kinds:
            raters = by_id.setdefault(each.completion_id, {})
            raters.setdefault(each.rater_id, {})[each.kind] = each
    yield from by_id.items()


def make_item(
    ids: Sequence[str],
    opinions: Mapping[str, tuple[str, Hashable | None, Hashable | None]],
    make_row: Callable[[Hashable], dict[str, Any]],
) -> ExportItem:
    """Build an item from each account's (outcome, value, side), as in `Opinion`."""
    cast = [Opinion(rater_name(rater), *vote) for rater, vote in opinions.items()]
    return ExportItem(tuple(ids), tuple(sorted(cast, key=lambda vote: vote.rater)), make_row)


def rater_name(account_id: str) -> str:
    """Return a rater's pseudonym."""
    return pseudonym("rater", account_id)
