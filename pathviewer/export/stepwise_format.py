"""`stepwise`: each step of a trace, right or wrong, for process reward models."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import partial
from typing import Any

from models.reasoning.trace import parse
from models.reward import ABSENCES, EVENT_COST, score_labels
from pathviewer.export.claims import ANSWER_COLUMNS, STEP_COLUMNS
from pathviewer.export.columns import Column
from pathviewer.export.formats import ExportItem, Format, group_by_completion, make_item
from pathviewer.feedback.vocabulary import STEP_EVENTS
from storage.export_rows import ExportedFeedback, ExportedQuestion

Labels = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]
"""A rater's labels of a trace: absences, and the events of every step."""


def list_items(question: ExportedQuestion) -> Iterator[ExportItem]:
    """Yield completions with labelled traces; raters agree only if they agree on every step."""
    for completion, raters in group_by_completion(question, ("labels",)):
        count = len(parse(question.completions[completion]).steps)
        votes = {rater: _opinion(kinds["labels"], count) for rater, kinds in raters.items()}
        yield make_item((completion,), votes, partial(_row, question, completion))


def _opinion(feedback: ExportedFeedback, count: int) -> tuple[str, Labels | None, Hashable | None]:
    if not count:
        return "no steps", None, None
    events: dict[int, set[str]] = {}
    for label in feedback.steps or ():
        events.setdefault(int(label["step"]), set()).update(label.get("events") or ())
    if any(step >= count for step in events):
        return "a step that is not there", None, None
    steps = tuple(tuple(sorted(events.get(number, ()))) for number in range(count))
    wrong = tuple(bool(STEP_EVENTS.keys() & set(step)) for step in steps)
    return "labelled", (tuple(sorted(feedback.absences or ())), steps), wrong


def _row(question: ExportedQuestion, completion: str, value: Hashable) -> dict[str, Any]:
    labels: Labels = value  # type: ignore[assignment]
    absences, events = labels
    trace = parse(question.completions[completion])
    return {
        "completions": [step.text for step in trace.steps],
        "labels": [not STEP_EVENTS.keys() & set(step) for step in events],
        "events": [list(step) for step in events],
        "absences": list(absences),
        "answer": trace.answer,
        "completion_id": completion,
    } | _scores(absences, events)


def _scores(absences: tuple[str, ...], events: tuple[tuple[str, ...], ...]) -> dict[str, Any]:
    score = score_labels(absences, events)
    return {
        "integrity": score.integrity,
        "knowledge": score.knowledge,
        "process_reward": score.reward,
    }


FORMAT = Format(
    "stepwise",
    "process reward models; TRL 1.16 has no trainer for them",
    (
        Column("completions", "texts", "the steps of the trace, in order"),
        Column("labels", "flags", "by step, true if nothing is wrong with it"),
        Column("events", "lists of texts", f"by step, from {', '.join(sorted(STEP_EVENTS))}"),
        Column("absences", "texts", f"of the whole trace, from {', '.join(sorted(ABSENCES))}"),
        Column("integrity", "number", f"max(0, 1 - {EVENT_COST} m), m absences"),
        Column("knowledge", "number", f"max(0, 1 - {EVENT_COST} e), e kinds of error"),
        Column("process_reward", "number", "mean of integrity and knowledge"),
        Column("answer", "text", "the completion's answer; null if none"),
        Column("completion_id", "text", "the completion's id"),
        *ANSWER_COLUMNS,
        *STEP_COLUMNS,
    ),
    list_items,
)
