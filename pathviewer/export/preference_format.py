"""`preference`: pairs of a better and a worse completion, for DPO."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import partial
from typing import Any

from pathviewer.export.columns import Column, answer_message
from pathviewer.export.formats import ExportItem, Format, group_by_completion, make_item
from storage.export_rows import ExportedFeedback, ExportedQuestion
from storage.feedback.vocabulary import SIDES


def list_items(question: ExportedQuestion) -> Iterator[ExportItem]:
    """Yield pairs of completions, and edited traces against their originals."""
    pairs: dict[tuple[str, str], dict[str, ExportedFeedback]] = {}
    for each in question.feedback:
        if each.kind == "preference" and each.other_completion_id:
            first, second = sorted((each.completion_id, each.other_completion_id))
            pairs.setdefault((first, second), {})[each.rater_id] = each
    for pair, preferences in sorted(pairs.items()):
        votes = {
            rater: (_outcome(each), _better_completion(each), _better_completion(each))
            for rater, each in preferences.items()
        }
        yield make_item(pair, votes, partial(_pair_row, question, pair, preferences))
    yield from _edited_items(question)


def _better_completion(preference: ExportedFeedback) -> str | None:
    """Return the id of the better completion; None if neither is better."""
    if preference.choice not in SIDES:
        return None
    sides = {preference.completion_id, preference.other_completion_id}
    left = preference.left_completion_id
    return left if preference.choice == "left" else next(iter(sides - {left}))


def _outcome(preference: ExportedFeedback) -> str:
    return "one is better" if preference.choice in SIDES else str(preference.choice)


def _pair_row(
    question: ExportedQuestion,
    pair: tuple[str, str],
    preferences: dict[str, ExportedFeedback],
    better: Hashable,
) -> dict[str, Any]:
    chosen = str(better)
    rejected = next(each for each in pair if each != chosen)
    agreeing = [each for each in preferences.values() if _better_completion(each) == better]
    return {
        "chosen": answer_message(question.completions[chosen]),
        "rejected": answer_message(question.completions[rejected]),
        "source": "preference",
        "chosen_id": chosen,
        "rejected_id": rejected,
        "reasons": sorted({reason for each in agreeing for reason in each.reasons or ()}),
        "blind": not any(each.names_known for each in agreeing),
    } | _authors(question, chosen, rejected)


def _authors(question: ExportedQuestion, chosen: str, rejected: str) -> dict[str, Any]:
    """Return the authors of the two completions."""
    better, other = question.authors[chosen], question.authors[rejected]
    return {
        "chosen_model": better.model,
        "chosen_model_revision": better.revision,
        "rejected_model": other.model,
        "rejected_model_revision": other.revision,
    }


def _edited_items(question: ExportedQuestion) -> Iterator[ExportItem]:
    """Yield edited traces: a correction is preferred by its rater, a confirmation is not."""
    for completion, raters in group_by_completion(question, ("edited_trace", "verdict")):
        if not any("edited_trace" in kinds for kinds in raters.values()):
            continue
        text = question.completions[completion]
        votes = {rater: _edit_opinion(kinds, text) for rater, kinds in raters.items()}
        opinions = {rater: vote for rater, vote in votes.items() if vote}
        yield make_item((completion,), opinions, partial(_edit_row, question, completion))


def _edit_opinion(
    kinds: dict[str, ExportedFeedback], text: str
) -> tuple[str, str | None, str | None] | None:
    """Return a rater's opinion; None if they neither edited nor confirmed the trace."""
    if "edited_trace" in kinds:
        edited = kinds["edited_trace"].edited_text
        return ("edited nothing", None, None) if edited == text else ("edited", edited, "edited")
    confirmed = kinds["verdict"].verdict == "correct"
    return ("confirmed as it is", None, "confirmed") if confirmed else None


def _edit_row(question: ExportedQuestion, completion: str, edited: Hashable) -> dict[str, Any]:
    return {
        "chosen": answer_message(str(edited)),
        "rejected": answer_message(question.completions[completion]),
        "source": "edited_trace",
        "chosen_id": None,
        "rejected_id": completion,
        "reasons": [],
        "blind": None,
    } | _authors(question, completion, completion)


FORMAT = Format(
    "preference",
    "TRL's DPOTrainer",
    (
        Column("chosen", "messages", "the better completion"),
        Column("rejected", "messages", "the other one"),
        Column("source", "text", "`preference` of two completions, or `edited_trace`"),
        Column("chosen_id", "text", "the better completion's id; null for an edited trace"),
        Column("rejected_id", "text", "the other completion's id"),
        Column("reasons", "texts", "reasons that the raters selected"),
        Column(
            "blind",
            "flag",
            "whether no rater of this choice knew the models; null for an edited trace",
        ),
        Column(
            "chosen_model",
            "text",
            "the model that wrote the better completion, or its unedited form",
        ),
        Column("chosen_model_revision", "text", "which weights"),
        Column("rejected_model", "text", "the model that wrote the other one"),
        Column("rejected_model_revision", "text", "which weights"),
    ),
    list_items,
)
