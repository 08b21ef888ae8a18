"""`sft`: traces that a rater confirms or has corrected."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import partial
from typing import Any

from models.reasoning.trace import parse
from models.scoring import canonical_answer as what_is_said
from pathviewer.export.claims import ANSWER_COLUMNS
from pathviewer.export.columns import Column, answer_message
from pathviewer.export.formats import ExportItem, Format, group_by_completion, make_item
from storage.export_rows import ExportedFeedback, ExportedQuestion

KINDS = ("verdict", "labels", "edited_trace")


def list_items(question: ExportedQuestion) -> Iterator[ExportItem]:
    """Yield completions with a verdict or correction; a rater votes for the text they endorse."""
    for completion, raters in group_by_completion(question, KINDS):
        text = question.completions[completion]
        feedback = {rater: kinds for rater, kinds in raters.items() if kinds.keys() - {"labels"}}
        votes = {
            rater: _opinion(kinds, text, question.options) for rater, kinds in feedback.items()
        }
        if votes:
            yield make_item((completion,), votes, partial(_row, completion, text))


def _opinion(
    kinds: dict[str, ExportedFeedback], text: str, options: list[str]
) -> tuple[str, str | None, str | None]:
    verdict = kinds["verdict"].verdict if "verdict" in kinds else None
    before = what_is_said(parse(text).answer, options)
    edited = kinds["edited_trace"].edited_text if "edited_trace" in kinds else None
    if edited and edited != text:
        after = what_is_said(parse(edited).answer, options)
        if not parse(edited).well_formed:
            return "edited, but not well formed", None, None
        if after == before and verdict not in (None, "correct"):
            return "edited, but the answer is still the one not called correct", None, None
        return "edited", edited, after
    if verdict != "correct":
        return verdict or "no verdict", None, None
    if "labels" in kinds and _has_faults(kinds["labels"]):
        return "correct, but its reasoning is faulted", None, before
    return (
        ("confirmed", text, before) if parse(text).well_formed else ("not well formed", None, None)
    )


def _has_faults(labels: ExportedFeedback) -> bool:
    """Return whether the labels flag a fault in the trace."""
    return bool(labels.absences) or any(step.get("events") for step in labels.steps or ())


def _row(completion: str, text: str, value: Hashable) -> dict[str, Any]:
    return {
        "completion": answer_message(str(value)),
        "source": "confirmed" if value == text else "edited_trace",
        "completion_id": completion,
    }


FORMAT = Format(
    "sft",
    "TRL's SFTTrainer",
    (
        Column("completion", "messages", "the trace to learn"),
        Column("source", "text", "`confirmed` as the model wrote it, or `edited_trace`"),
        Column("completion_id", "text", "id of the completion that it is or comes from"),
        *ANSWER_COLUMNS,
    ),
    list_items,
)
