"""Append-only feedback on completions, with a table of current feedback beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, or_, select
from sqlalchemy.orm import Session

from storage import user_messages
from storage.errors import ConflictError
from storage.tables import Account, Feedback, new_id, now


@dataclass(frozen=True)
class NewFeedback:
    """Feedback on a completion; only the fields of its kind are set."""

    completion_id: str
    """Completion rated."""

    kind: str
    """One of `vocabulary.KINDS`."""

    idempotency_key: str
    """Chosen by the sender, up to `KEY_LENGTH` characters; the same key, the same submission."""

    seconds: float | None = None
    """Time spent on it, seconds."""

    overlay_seen: bool | None = None
    """Whether the attention overlay was visible."""

    comment: str | None = None
    """Free text, at most `COMMENT_LENGTH` characters."""

    verdict: str | None = None
    """One of `vocabulary.VERDICTS`."""

    corrected_answer: str | None = None
    """Correct answer; with a verdict."""

    confidence: int | None = None
    """From `LEAST_CONFIDENCE` to `MOST_CONFIDENCE`; with a verdict."""

    absences: Sequence[str] | None = None
    """What the whole trace lacks; with labels."""

    steps: Sequence[Mapping[str, Any]] | None = None
    """Labels of steps as {step, events, quote, start, stop, step_class}; steps count from 0;
    `start` and `stop` are UTF-16 units of the completion's text.
    """

    edited_steps: Sequence[Mapping[str, Any]] | None = None
    """{step, text}; no text deletes the step."""

    edited_text: str | None = None
    """The completion with these steps edited."""

    x: int | None = None
    """Left edge of the evidence region, level-0 pixels."""

    y: int | None = None
    """Top edge of the evidence region."""

    width: int | None = None
    """Width of the evidence region."""

    height: int | None = None
    """Height of the evidence region."""

    points: Sequence[Sequence[float]] | None = None
    """Outline as drawn, [x, y] each, level-0 pixels."""

    other_completion_id: str | None = None
    """Other completion of a preference."""

    left_completion_id: str | None = None
    """Completion on the left."""

    choice: str | None = None
    """One of `vocabulary.CHOICES`, or `vocabulary.UNDONE`."""

    reasons: Sequence[str] | None = None
    """Reasons of a preference."""


@dataclass(frozen=True, kw_only=True)
class FeedbackRecord(NewFeedback):
    """Stored feedback."""

    id: str
    """UUID as text."""

    rater_id: str
    """Account of the rater."""

    supersedes_id: str | None
    """Same rater's earlier feedback that this replaces; None if there is none."""

    created_at: datetime
    """When it was stored, UTC."""


_FEEDBACK, _CURRENT = (
    Feedback.metadata.tables["feedback"],
    Feedback.metadata.tables["current_feedback"],
)
_NAMES = tuple(field.name for field in fields(FeedbackRecord))
_SELECT_ALL = select(*(_FEEDBACK.c[name] for name in _NAMES))
# built once, since building a statement takes longer than running it
_SELECT_BY_KEY = _SELECT_ALL.where(
    _FEEDBACK.c.rater_id == bindparam("rater"), _FEEDBACK.c.idempotency_key == bindparam("key")
)
_SELECT_CURRENT = _SELECT_ALL.join_from(
    _FEEDBACK, _CURRENT, _CURRENT.c.feedback_id == _FEEDBACK.c.id
).where(
    _CURRENT.c.rater_id == bindparam("rater"),
    or_(
        _CURRENT.c.completion_id == bindparam("one"), _CURRENT.c.completion_id == bindparam("other")
    ),
)
_SLOT_COLUMNS = ("rater_id", "completion_id", "kind", "other")
_SUPERSEDE = (
    _CURRENT.update()
    .where(*(_CURRENT.c[name] == bindparam(f"of_{name}") for name in _SLOT_COLUMNS))
    .values(feedback_id=bindparam("now_id"))
)


@dataclass(frozen=True)
class FeedbackReceipt:
    """Result of a submission."""

    record: FeedbackRecord
    """The stored feedback."""

    repeated: bool
    """Whether it was already stored under the same key."""

    current: tuple[FeedbackRecord, ...]
    """The rater's current feedback on the completion, and on its pair if there is one."""


def find_feedback_by_key(session: Session, rater_id: str, key: str) -> FeedbackRecord | None:
    """Feedback that a rater submitted under a key; None if there is none."""
    rows = session.connection().execute(_SELECT_BY_KEY, {"rater": rater_id, "key": key})
    return next(map(_record, rows), None)


def find_feedback(session: Session, feedback_id: str) -> FeedbackRecord:
    """Feedback with this id, from any rater; it must exist."""
    rows = session.connection().execute(_SELECT_ALL.where(_FEEDBACK.c.id == feedback_id))
    return _record(rows.one())


def add_feedback(session: Session, rater_id: str, new: NewFeedback) -> FeedbackRecord:
    """Append feedback, replacing the rater's current feedback of the same kind.

    Resubmission stores nothing and returns the first record. Raises ConflictError if the key was
    used for other feedback. The order of a pair's two completions does not matter.
    """
    return append_feedback(session, rater_id, new).record


def append_feedback(session: Session, rater_id: str, new: NewFeedback) -> FeedbackReceipt:
    """Like `add_feedback`, with a full receipt."""
    new = _ordered(new)
    _lock_rater(session, rater_id)
    former = find_feedback_by_key(session, rater_id, new.idempotency_key)
    if former is not None and _content(former) != _content(new):
        raise ConflictError(user_messages.KEY_REUSED)
    pair = {"one": new.completion_id, "other": new.other_completion_id or new.completion_id}
    rows = session.connection().execute(_SELECT_CURRENT, {"rater": rater_id} | pair)
    current = [_record(row) for row in rows]
    if former is not None:
        return FeedbackReceipt(former, True, tuple(current))
    superseded = next((one for one in current if _slot(one) == _slot(new)), None)
    record = FeedbackRecord(
        **vars(new),
        id=new_id(),
        rater_id=rater_id,
        supersedes_id=None if superseded is None else superseded.id,
        created_at=now(),
    )
    _store(session, record, first=superseded is None)
    rest = [one for one in current if one is not superseded]
    return FeedbackReceipt(record, False, (*rest, record))


def _store(session: Session, record: FeedbackRecord, *, first: bool) -> None:
    """Append a record and make it current; `first` if it replaces nothing.

    Bypasses the ORM's unit of work, which took most of the time of a submission.
    """
    session.flush()
    connection = session.connection()
    connection.execute(_FEEDBACK.insert(), vars(record))
    place = dict(zip(_SLOT_COLUMNS, (record.rater_id, *_slot(record)), strict=True))
    if first:
        connection.execute(_CURRENT.insert(), place | {"feedback_id": record.id})
    else:
        here = {f"of_{name}": value for name, value in place.items()}
        connection.execute(_SUPERSEDE, here | {"now_id": record.id})


def list_current_feedback(
    session: Session, completion_ids: Collection[str], rater_id: str | None = None
) -> list[FeedbackRecord]:
    """Current feedback on some completions, from one rater or all, oldest first."""
    holds = _SELECT_ALL.join_from(_FEEDBACK, _CURRENT, _CURRENT.c.feedback_id == _FEEDBACK.c.id)
    return _records(session, holds.where(_is_about(completion_ids), *_is_by(rater_id)))


def list_feedback_history(
    session: Session, completion_ids: Collection[str], rater_id: str | None = None
) -> list[FeedbackRecord]:
    """All feedback ever given on some completions, by one rater or all, oldest first."""
    return _records(session, _SELECT_ALL.where(_is_about(completion_ids), *_is_by(rater_id)))


def _is_about(completion_ids: Collection[str]) -> ColumnElement[bool]:
    return or_(
        _FEEDBACK.c.completion_id.in_(completion_ids),
        _FEEDBACK.c.other_completion_id.in_(completion_ids),
    )


def _is_by(rater_id: str | None) -> list[ColumnElement[bool]]:
    return [] if rater_id is None else [_FEEDBACK.c.rater_id == rater_id]


def _records(session: Session, query: Select[Any]) -> list[FeedbackRecord]:
    rows = session.connection().execute(query.order_by(_FEEDBACK.c.created_at, _FEEDBACK.c.id))
    return [_record(row) for row in rows]


def _record(row: Row[Any]) -> FeedbackRecord:
    return FeedbackRecord(**dict(zip(_NAMES, row, strict=True)))


def _slot(feedback: NewFeedback) -> tuple[str, str, str]:
    """Key under which a rater has one current feedback."""
    return feedback.completion_id, feedback.kind, feedback.other_completion_id or ""


def _ordered(new: NewFeedback) -> NewFeedback:
    """Order a pair's completions by id; `left_completion_id` records which was on the left."""
    other = new.other_completion_id
    if other is None or new.completion_id < other:
        return new
    swapped = {"completion_id": other, "other_completion_id": new.completion_id}
    return NewFeedback(**(asdict(new) | swapped))


def _content(feedback: NewFeedback) -> dict[str, Any]:
    """Submitted content in a form that compares equal before and after storage."""
    return {field.name: _plain(getattr(feedback, field.name)) for field in fields(NewFeedback)}


def _plain(value: Any) -> Any:
    """Convert tuples to lists and mappings to dicts, as JSON does."""
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value


def _lock_rater(session: Session, rater_id: str) -> None:
    """Block a rater's other submissions; SQLite has a single writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        own = select(Account.id).where(Account.id == rater_id)
        session.execute(own.with_for_update(key_share=True))
