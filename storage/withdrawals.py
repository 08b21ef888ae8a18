"""Taking back what belongs to a case or to a rater; a tombstone stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, delete, false, or_, select, text, update
from sqlalchemy.orm import Session

from storage.comparisons.pairs import readings_of_items
from storage.row_values import as_record
from storage.tables import (
    Blob,
    Case,
    Comparison,
    Completion,
    CurrentFeedback,
    DeletionCheck,
    Feedback,
    Reading,
    Region,
    Slide,
    Withdrawal,
    WorklistItem,
    WorklistPair,
    WorklistReading,
    WorklistTurn,
    now,
)

Kind = Literal["case", "rater", "unjudged"]
AT_ONCE = 10_000
"""Ids in one statement; databases take a bounded number of values."""


@dataclass(frozen=True)
class WithdrawalRecord:
    """A tombstone."""

    id: str
    """UUID as text."""

    at: datetime
    """When, UTC."""

    kind: str
    """`case`, `rater`, or `unjudged`: what a rater asked and nobody judged."""

    subject_id: str
    """Id of the case, or of the rater's account."""

    account_id: str
    """Who withdrew it."""

    detail: dict[str, Any]
    """How many of what were removed; `reading_ids` finds rows of earlier exports by `item_id`."""


@dataclass(frozen=True)
class Doomed:
    """What is about to be removed, by ids."""

    readings: tuple[str, ...]
    """Questions."""

    completions: tuple[str, ...]
    """Their answers."""

    feedback: tuple[str, ...]
    """What was said: about them, and by the rater about others."""

    blobs: tuple[str, ...]
    """Pictures and attention that nothing else needs, by SHA-256."""

    regions: tuple[str, ...]
    """What was drawn."""


def withdraw_case(session: Session, case_id: str, by: str) -> WithdrawalRecord:
    """Remove all that was asked and said about a case's slides, and what describes them.

    The files of the pictures are still there: `removed_blobs` names them.
    """
    slides = select(Slide.id).where(Slide.case_id == case_id)
    readings = select(Reading.id).where(Reading.slide_id.in_(slides))
    completions = _completions_of(readings)
    about = or_(
        Feedback.completion_id.in_(completions), Feedback.other_completion_id.in_(completions)
    )
    items = select(WorklistItem.id).where(WorklistItem.slide_id.in_(slides))
    session.execute(delete(WorklistTurn).where(WorklistTurn.item_id.in_(items)))
    _forget_pairs(session, items, readings)
    doomed = _doomed(session, readings, about, Region.slide_id.in_(slides))
    session.execute(delete(WorklistItem).where(WorklistItem.id.in_(items)))
    tombstone = _remove(session, "case", case_id, by, doomed)
    described = {"organ": None, "specimen": None, "stain": None, "scanner": None}
    session.execute(update(Slide).where(Slide.case_id == case_id).values(described))
    nothing = {"reference_answer": None, "reference_source": None}
    name = f"withdrawn {case_id[:8]}"
    session.execute(update(Case).where(Case.id == case_id).values(name=name, **nothing))
    return tombstone


def withdraw_rater(session: Session, account_id: str, by: str) -> WithdrawalRecord:
    """Remove all that an account said, what it drew, and what it asked that nobody else judged.

    What it asked and others judged stays, without its own first answer: it is their work too.
    """
    own = _asked(account_id, judged_readings().where(Feedback.rater_id != account_id))
    session.execute(delete(WorklistTurn).where(WorklistTurn.rater_id == account_id))
    session.execute(delete(Comparison).where(Comparison.rater_id == account_id))
    said, drawn = Feedback.rater_id == account_id, Region.account_id == account_id
    tombstone = _remove(session, "rater", account_id, by, _doomed(session, own, said, drawn))
    nothing = {"first_answer": None, "first_confidence": None, "first_answer_at": None}
    session.execute(update(Reading).where(Reading.account_id == account_id).values(nothing))
    return tombstone


def withdraw_unjudged(session: Session, account_id: str, by: str) -> WithdrawalRecord:
    """Remove what an account asked that nobody judged; what it said, and of what, stays."""
    own, drawn = _asked(account_id, judged_readings()), Region.account_id == account_id
    session.execute(delete(Comparison).where(Comparison.reading_id.in_(own)))
    return _remove(session, "unjudged", account_id, by, _doomed(session, own, false(), drawn))


def withdraw_expired(session: Session, before: datetime, by: str) -> list[WithdrawalRecord]:
    """Remove questions asked before a moment of which nobody said anything, at most `AT_ONCE` of
    each account; a tombstone for each account, none once nothing is left to remove.

    What somebody said stays with its question: feedback on an answer, and an own first answer.
    Questions of worklists stay, and those that are still being answered.
    """
    expired = _expired(before).subquery()
    accounts = list(session.scalars(select(expired.c.account_id).distinct()))
    return [_withdraw_expired(session, account, before, by) for account in sorted(accounts)]


def _withdraw_expired(
    session: Session, account_id: str, before: datetime, by: str
) -> WithdrawalRecord:
    theirs = _expired(before).where(Reading.account_id == account_id)
    oldest = theirs.order_by(Reading.created_at, Reading.id).limit(AT_ONCE).subquery()
    own = select(Reading.id).where(Reading.id.in_(select(oldest.c.id)))
    session.execute(delete(Comparison).where(Comparison.reading_id.in_(own)))
    return _remove(session, "unjudged", account_id, by, _doomed(session, own, false(), false()))


def _expired(before: datetime) -> Select[str, str]:
    listed = select(readings_of_items().c.reading_id)
    return select(Reading.id, Reading.account_id).where(
        Reading.created_at < before,
        Reading.state != "running",
        Reading.first_answer.is_(None),
        Reading.id.not_in(judged_readings()),
        Reading.id.not_in(listed),
    )


def judged_readings() -> Select[str]:
    """Readings of whose answers something was said."""
    about = or_(
        Feedback.completion_id == Completion.id, Feedback.other_completion_id == Completion.id
    )
    return select(Completion.reading_id).join(Feedback, about)


def _asked(account_id: str, judged: Select[str]) -> Select[str]:
    """Readings that an account asked, but for these and those of worklists."""
    listed = select(readings_of_items().c.reading_id)
    return select(Reading.id).where(
        Reading.account_id == account_id, Reading.id.not_in(judged), Reading.id.not_in(listed)
    )


def _forget_pairs(session: Session, items: Select[str], readings: Select[str]) -> None:
    """Who compared what of these items and readings, and what there was to compare."""
    pairs = select(WorklistPair.id).where(WorklistPair.item_id.in_(items))
    of_them = or_(Comparison.pair_id.in_(pairs), Comparison.reading_id.in_(readings))
    session.execute(delete(Comparison).where(of_them))
    session.execute(delete(WorklistPair).where(WorklistPair.item_id.in_(items)))
    session.execute(delete(WorklistReading).where(WorklistReading.item_id.in_(items)))


def list_withdrawals(session: Session) -> list[WithdrawalRecord]:
    """All tombstones, the oldest first."""
    rows = session.scalars(select(Withdrawal).order_by(Withdrawal.at, Withdrawal.id))
    return [as_record(WithdrawalRecord, row) for row in rows]


def removed_blobs(session: Session) -> list[str]:
    """Files that are to be gone, by SHA-256."""
    gone = select(Blob.sha256).where(Blob.removed_at.is_not(None)).order_by(Blob.sha256)
    return list(session.scalars(gone))


def _remove(
    session: Session, kind: Kind, subject_id: str, by: str, doomed: Doomed
) -> WithdrawalRecord:
    """The tombstone first: the triggers let rows go that it speaks of."""
    if session.get_bind().dialect.name == "sqlite":
        # what is removed is written over, not only taken out of the index
        session.execute(text("PRAGMA secure_delete = ON"))
    counts = {name: len(ids) for name, ids in asdict(doomed).items()}
    detail = counts | {"reading_ids": list(doomed.readings)}
    row = Withdrawal(kind=kind, subject_id=subject_id, account_id=by, detail=detail)
    session.add(row)
    session.flush()
    for table, column, ids in (
        (CurrentFeedback, CurrentFeedback.feedback_id, doomed.feedback),
        (Feedback, Feedback.id, doomed.feedback),
        (DeletionCheck, DeletionCheck.completion_id, doomed.completions),
        (Completion, Completion.id, doomed.completions),
        (Reading, Reading.id, doomed.readings),
        (Region, Region.id, doomed.regions),
    ):
        for some in batched(ids):
            session.execute(delete(table).where(column.in_(some)))
    for some in batched(doomed.blobs):
        session.execute(update(Blob).where(Blob.sha256.in_(some)).values(removed_at=now()))
    return as_record(WithdrawalRecord, row)


def _doomed(
    session: Session,
    readings: Select[str],
    said: ColumnElement[bool],
    drawn: ColumnElement[bool],
) -> Doomed:
    completions = _completions_of(readings)
    # the newest first: what takes the place of another points at it
    feedback = select(Feedback.id).where(said).order_by(Feedback.created_at.desc(), Feedback.id)
    return Doomed(
        *(
            tuple(session.scalars(statement))
            for statement in (
                readings.order_by(Reading.id),
                completions.order_by(Completion.id),
                feedback,
                _blobs_of(readings),
                select(Region.id).where(drawn).order_by(Region.id),
            )
        )
    )


def _blobs_of(readings: Select[str]) -> Select[str]:
    """Files that these readings alone have."""
    completions = _completions_of(readings)
    theirs = or_(
        Blob.sha256.in_(select(Reading.pixels_sha256).where(Reading.id.in_(readings))),
        Blob.sha256.in_(select(Completion.attention_sha256).where(Completion.id.in_(completions))),
    )
    others = (
        select(Reading.id).where(Reading.pixels_sha256 == Blob.sha256, Reading.id.not_in(readings)),
        select(Completion.id).where(
            Completion.attention_sha256 == Blob.sha256, Completion.id.not_in(completions)
        ),
    )
    needed = or_(*(other.exists() for other in others))
    there = select(Blob.sha256).where(Blob.removed_at.is_(None), theirs, ~needed)
    return there.order_by(Blob.sha256)


def _completions_of(readings: Select[str]) -> Select[str]:
    return select(Completion.id).where(Completion.reading_id.in_(readings))


def batched(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Ids in parts that fit into one statement."""
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]
