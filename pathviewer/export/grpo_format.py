"""`grpo`: questions with the raters' right answer, for custom rewards."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import partial
from typing import Any

from models.control_tokens import find_control_token
from models.reasoning.trace import parse
from models.scoring import canonical_answer, option_index, without_letters
from pathviewer.export.columns import Column
from pathviewer.export.consensus import Opinion
from pathviewer.export.formats import ExportItem, Format, make_item
from storage.export_rows import ExportedFeedback, ExportedQuestion

DIAGNOSIS = "diagnosis"
"""Task whose answer is the case's reference if no options are offered."""


def list_items(question: ExportedQuestion) -> Iterator[ExportItem]:
    """Yield the question if any of its completions has a verdict.

    A worklist item's reference answers exactly this question. The case's reference counts only if
    no rater answers: it concerns the whole case, while raters saw the region.
    """
    verdicts: dict[str, list[ExportedFeedback]] = {}
    for each in question.feedback:
        if each.kind == "verdict":
            verdicts.setdefault(each.rater_id, []).append(each)
    if not verdicts:
        return
    votes = {rater: _opinion(given, question) for rater, given in verdicts.items()}
    item = make_item((question.id,), votes, partial(_row, "raters"))
    item_answer = (
        _match_option(question.item_answer, question.options) if question.item_answer else None
    )
    reference = _reference(question)
    if item_answer:
        vote = Opinion("reference", "answered by the worklist", item_answer)
        item = ExportItem(item.ids, (vote,), partial(_row, "worklist"))
    elif reference and not any(vote.value for vote in item.opinions):
        vote = Opinion("reference", "answered by the case's reference", reference, reference)
        source = question.reference_source or "reference"
        item = ExportItem(item.ids, (*item.opinions, vote), partial(_row, source))
    yield item


def _opinion(
    verdicts: list[ExportedFeedback], question: ExportedQuestion
) -> tuple[str, str | None, str | None]:
    """Return the rater's right answer from all their verdicts on the question's completions."""
    answers = [_right_answer(each, question.completions[each.completion_id]) for each in verdicts]
    given_answers = [answer for answer in answers if answer]
    if not given_answers:
        return "no right answer named", None, None
    if any(map(find_control_token, given_answers)):
        return "a control token in the right answer", None, None
    if len({canonical_answer(answer, question.options) for answer in given_answers}) > 1:
        return "two right answers", None, None
    right = _match_option(given_answers[0], question.options)
    if right is None:
        return "an answer that was not offered", None, None
    return "answered", right, right


def _right_answer(verdict: ExportedFeedback, text: str) -> str | None:
    """Return the right answer of one verdict: the model's answer or the correction."""
    if verdict.verdict == "correct":
        return parse(text).answer
    return verdict.corrected_answer


def _reference(question: ExportedQuestion) -> str | None:
    answer = question.reference_answer
    if not answer or not (question.options or question.task == DIAGNOSIS):
        return None
    return _match_option(answer, question.options)


def _match_option(answer: str, options: list[str]) -> str | None:
    """Return the option that an answer names, or a free answer in canonical form.

    None if neither applies, or if the answer holds a control token, which canonicalisation would
    break up.
    """
    if find_control_token(answer):
        return None
    if not options:
        return canonical_answer(answer) or None
    place = option_index(answer, options)
    return None if place is None else without_letters(options)[place]


def _row(source: str, value: Hashable) -> dict[str, Any]:
    return {"answer": value, "answer_source": source}


FORMAT = Format(
    "grpo",
    "TRL's GRPOTrainer, with `answer` for the reward",
    (
        Column("answer", "text", "the right answer: the text of an option, or free text"),
        Column(
            "answer_source",
            "text",
            "`raters`, `worklist`, or the source of the case's reference",
        ),
    ),
    list_items,
)
