"""What raters say about completions: appended, never changed, with what holds now beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from storage.errors import ConflictError
from storage.records import as_record
from storage.tables import Account, CurrentFeedback, Feedback


@dataclass(frozen=True)
class NewFeedback:
    """One thing said about a completion; only the fields of its kind are set."""

    completion_id: str
    """About which completion."""

    kind: str
    """`verdict`, `labels`, `edited_trace`, `evidence` or `preference`."""

    idempotency_key: str
    """Chosen by the sender, at most 64 characters: the same key is the same submission."""

    seconds: float | None = None
    """Time spent on it."""

    overlay_seen: bool | None = None
    """Whether the attention was on the slide."""

    comment: str | None = None
    """Free text, at most 4,000 characters."""

    verdict: str | None = None
    """`correct`, `partly_correct`, `incorrect`, `unsure`, `not_assessable` or
    `unsuitable_question`."""

    corrected_answer: str | None = None
    """What is right; with a verdict."""

    confidence: int | None = None
    """How sure, 1 to 5; with a verdict."""

    absences: Sequence[str] | None = None
    """What the whole trace lacks; with labels."""

    steps: Sequence[Mapping[str, Any]] | None = None
    """Labels of steps, {step, events, quote, start, stop, step_class}; steps count from 0, `start`
    and `stop` are UTF-16 units of the completion's text."""

    edited_steps: Sequence[Mapping[str, Any]] | None = None
    """{step, text}; no text strikes the step out."""

    edited_text: str | None = None
    """The whole completion with those steps edited."""

    x: int | None = None
    """Left edge of the evidence region, level-0 pixels."""

    y: int | None = None
    """Its upper edge."""

    width: int | None = None
    """Its width."""

    height: int | None = None
    """Its height."""

    points: Sequence[Sequence[float]] | None = None
    """Its outline as drawn, [x, y] each."""

    other_completion_id: str | None = None
    """With which completion it was compared."""

    left_completion_id: str | None = None
    """Which of the two stood on the left."""

    choice: str | None = None
    """`left`, `right`, `tie` or `both_bad`."""

    reasons: Sequence[str] | None = None
    """Why; with a preference."""


@dataclass(frozen=True, kw_only=True)
class FeedbackRecord(NewFeedback):
    """Stored feedback."""

    id: str
    """UUID as text."""

    rater_id: str
    """Who said it."""

    supersedes_id: str | None
    """What the same rater had said before, and takes back with it."""

    created_at: datetime
    """When it was stored, UTC."""


def feedback_of_key(session: Session, rater_id: str, key: str) -> FeedbackRecord | None:
    """What a rater submitted under a key; None if nothing was."""
    row = session.scalar(
        select(Feedback).where(Feedback.rater_id == rater_id, Feedback.idempotency_key == key)
    )
    return None if row is None else as_record(FeedbackRecord, row)


def add_feedback(session: Session, rater_id: str, new: NewFeedback) -> FeedbackRecord:
    """Append feedback and let it take the place of what the rater said before.

    The same submission again is stored once: the record is then the first one's. Raises
    ConflictError where the key was used for another. A pair of completions is one pair whichever
    is named first.
    """
    new = _ordered(new)
    _one_at_a_time(session, rater_id)
    former = feedback_of_key(session, rater_id, new.idempotency_key)
    if former is not None:
        if _said(former) != _said(new):
            message = "Something else was saved under this key; take a new key for each submission."
            raise ConflictError(message)
        return former
    key = (rater_id, new.completion_id, new.kind, new.other_completion_id or "")
    current = session.get(CurrentFeedback, key)
    supersedes = None if current is None else current.feedback_id
    row = Feedback(rater_id=rater_id, supersedes_id=supersedes, **asdict(new))
    session.add(row)
    session.flush()
    if current is None:
        rater, completion, kind, other = key
        current = CurrentFeedback(rater_id=rater, completion_id=completion, kind=kind, other=other)
        session.add(current)
    current.feedback_id = row.id
    session.flush()
    return as_record(FeedbackRecord, row)


def current_feedback(
    session: Session, completion_ids: Collection[str], rater_id: str | None = None
) -> list[FeedbackRecord]:
    """What holds now of some completions, of one rater or of all, the oldest first."""
    holds = select(Feedback).join(CurrentFeedback, CurrentFeedback.feedback_id == Feedback.id)
    return _records(session, holds.where(_about(completion_ids), *_by(rater_id)))


def history(
    session: Session, completion_ids: Collection[str], rater_id: str | None = None
) -> list[FeedbackRecord]:
    """All that was ever said of some completions, by one rater or by all, the oldest first."""
    return _records(session, select(Feedback).where(_about(completion_ids), *_by(rater_id)))


def _about(completion_ids: Collection[str]) -> ColumnElement[bool]:
    return or_(
        Feedback.completion_id.in_(completion_ids), Feedback.other_completion_id.in_(completion_ids)
    )


def _by(rater_id: str | None) -> list[ColumnElement[bool]]:
    return [] if rater_id is None else [Feedback.rater_id == rater_id]


def _records(session: Session, query: Any) -> list[FeedbackRecord]:
    rows = session.scalars(query.order_by(Feedback.created_at, Feedback.id))
    return [as_record(FeedbackRecord, row) for row in rows]


def _ordered(new: NewFeedback) -> NewFeedback:
    """The same with a pair's completions in the order of their ids; `left` says who was left."""
    other = new.other_completion_id
    if other is None or new.completion_id < other:
        return new
    swapped = {"completion_id": other, "other_completion_id": new.completion_id}
    return NewFeedback(**(asdict(new) | swapped))


def _said(feedback: NewFeedback) -> dict[str, Any]:
    """What was submitted, comparable whether it was stored in between or not."""
    return {field.name: _plain(getattr(feedback, field.name)) for field in fields(NewFeedback)}


def _plain(value: Any) -> Any:
    """Lists for tuples, dicts for mappings, as JSON gives them back."""
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value


def _one_at_a_time(session: Session, rater_id: str) -> None:
    """Let a rater's other submissions wait; SQLite has one writer anyhow."""
    session.execute(
        select(Account.id).where(Account.id == rater_id).with_for_update(key_share=True)
    )
