"""What a format makes of a reading: items to be voted on, and the row of what has won."""

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
    """One item, and what its raters say of it."""

    ids: tuple[str, ...]
    """Ids of the completions that it is about; of the reading if it is about the question."""
    opinions: tuple[Opinion, ...]
    """One per rater."""
    make_row: Callable[[Hashable], dict[str, Any]]
    """The format's own columns for a value that was voted for."""


@dataclass(frozen=True)
class Format:
    """One kind of export."""

    name: str
    """As the command line calls it."""
    trainer: str
    """Who takes it."""
    columns: tuple[Column, ...]
    """Its own columns; `COMMON` follow."""
    list_items: Callable[[ExportedQuestion], Iterable[ExportItem]]
    """The items of a reading."""

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """Own and common ones, in the order of the file."""
        return (*self.columns, *COMMON_COLUMNS)


def group_by_completion(
    question: ExportedQuestion, kinds: Sequence[str]
) -> Iterator[tuple[str, dict[str, dict[str, ExportedFeedback]]]]:
    """Each completion that is judged in one of the kinds, with judgments by rater and kind."""
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
    """A ballot from what each account says: a word, a value and a side, as `Vote` has them."""
    cast = [Opinion(rater_name(rater), *vote) for rater, vote in opinions.items()]
    return ExportItem(tuple(ids), tuple(sorted(cast, key=lambda vote: vote.rater)), make_row)


def rater_name(account_id: str) -> str:
    """A rater's pseudonym."""
    return pseudonym("rater", account_id)
