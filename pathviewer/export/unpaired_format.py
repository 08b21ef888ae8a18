"""`unpaired`: a completion that is right or wrong as a whole, for KTO."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import partial
from typing import Any

from pathviewer.export.claims import ANSWER_COLUMNS
from pathviewer.export.columns import Column, answer_message
from pathviewer.export.formats import ExportItem, Format, group_by_completion, make_item
from storage.export_rows import ExportedQuestion

LABELS = {"correct": True, "incorrect": False}
"""Verdicts that make a row; partly correct or unsure answers make none."""


def list_items(question: ExportedQuestion) -> Iterator[ExportItem]:
    """Yield completions with a verdict."""
    for completion, raters in group_by_completion(question, ("verdict",)):
        verdicts = {rater: str(kinds["verdict"].verdict) for rater, kinds in raters.items()}
        votes = {
            rater: (verdict, LABELS.get(verdict), LABELS.get(verdict))
            for rater, verdict in verdicts.items()
        }
        yield make_item((completion,), votes, partial(_row, question, completion))


def _row(question: ExportedQuestion, completion: str, label: Hashable) -> dict[str, Any]:
    return {
        "completion": answer_message(question.completions[completion]),
        "label": label,
        "completion_id": completion,
    }


FORMAT = Format(
    "unpaired",
    "TRL's KTOTrainer",
    (
        Column("completion", "messages", "the model's answer"),
        Column("label", "flag", "true for the verdict correct, false for incorrect"),
        Column("completion_id", "text", "the completion's id"),
        *ANSWER_COLUMNS,
    ),
    list_items,
)
