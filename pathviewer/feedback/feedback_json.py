"""Feedback and its reward as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pathviewer.feedback.completion_reward import cached_completion_text
from storage.blinding.policy import Content
from storage.feedback.vocabulary import KINDS

if TYPE_CHECKING:
    from storage.blinding.state import QuestionState
    from storage.feedback.store import FeedbackRecord
    from storage.questions.records import CompletionRecord

SINGLE_KINDS = tuple(kind for kind in KINDS if kind != "preference")
"""Kinds with one current feedback per rater and completion."""


def select_shown_feedback(
    records: Iterable[FeedbackRecord], access: QuestionState
) -> list[FeedbackRecord]:
    """Select the viewer's own feedback on a question, as far as the policy shows it to them."""
    return [
        record
        for record in records
        if record.rater_id == access.viewer.account_id
        and access.shows_own(Content.own_feedback, record.created_at)
    ]


def reward_json(completion: CompletionRecord, feedback: Iterable[FeedbackRecord]) -> dict[str, Any]:
    """Return the reward from one rater's current verdict and labels."""
    verdict = labels = None
    for record in feedback:
        if record.completion_id != completion.id:
            continue
        if record.kind == "verdict":
            verdict = record.verdict
        elif record.kind == "labels":
            events = [step["events"] for step in record.steps or ()]
            labels = (record.absences or (), events)
    return asdict(cached_completion_text(completion.text).compute_reward(verdict, labels))


def feedback_json(record: FeedbackRecord) -> dict[str, Any]:
    """Return feedback as submitted, with id and time, without the fields of other kinds."""
    document: dict[str, Any] = {
        "id": record.id,
        "created_at": record.created_at.isoformat(),
        "supersedes": record.supersedes_id,
        "completion": record.completion_id,
        "kind": record.kind,
        "seconds": record.seconds,
        "overlay_seen": record.overlay_seen,
        "comment": record.comment,
    }
    return document | BODY_WRITERS[record.kind](record)


def _evidence_json(record: FeedbackRecord) -> dict[str, Any]:
    box = {side: getattr(record, side) for side in ("x", "y", "width", "height")}
    return {"box": None if record.x is None else box, "points": record.points}


def _preference_json(record: FeedbackRecord) -> dict[str, Any]:
    return {
        "other": record.other_completion_id,
        "left": record.left_completion_id,
        "choice": record.choice,
        "reasons": record.reasons,
    }


def _fields_json(*names: str) -> Callable[[FeedbackRecord], dict[str, Any]]:
    return lambda record: {name: getattr(record, name) for name in names}


BODY_WRITERS: Mapping[str, Callable[[FeedbackRecord], dict[str, Any]]] = {
    "verdict": _fields_json("verdict", "corrected_answer", "confidence"),
    "labels": _fields_json("absences", "steps"),
    "edited_trace": _fields_json("edited_steps", "edited_text"),
    "evidence": _evidence_json,
    "preference": _preference_json,
}


def feedback_of_kind_json(records: Iterable[FeedbackRecord], kind: str) -> list[dict[str, Any]]:
    """Return the feedback of one kind, in the order of `records`."""
    return [feedback_json(record) for record in records if record.kind == kind]


def feedback_by_kind_json(records: Sequence[FeedbackRecord]) -> dict[str, Any]:
    """Return one rater's current feedback by kind; None for a kind without feedback."""
    return {kind: next(iter(feedback_of_kind_json(records, kind)), None) for kind in SINGLE_KINDS}


def others_feedback_json(
    current: Sequence[FeedbackRecord], all_feedback: Iterable[FeedbackRecord], rater_id: str
) -> list[dict[str, Any]]:
    """Return other raters' current feedback under pseudonyms, ordered by their first feedback.

    Votes are left out: they also concern another completion, which may still be blinded.
    """
    raters = dict.fromkeys(
        record.rater_id for record in all_feedback if record.kind in SINGLE_KINDS
    )
    others = [rater for rater in raters if rater != rater_id]
    return [
        {"rater": pseudonym(number)}
        | feedback_by_kind_json([record for record in current if record.rater_id == rater])
        for number, rater in enumerate(others)
    ]


def pseudonym(number: int) -> str:
    """Return Rater A, ..., Rater Z, Rater AA, ... for numbers from 0."""
    letters = ""
    number += 1
    while number:
        number, place = divmod(number - 1, 26)
        letters = chr(ord("A") + place) + letters
    return f"Rater {letters}"
