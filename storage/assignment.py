"""Assignment of a worklist's items and pairs to raters: order, overlap and repeats."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from storage.row_values import Record, as_record
from storage.tables import AssignmentRow, Worklist, now
from storage.worklists.records import WorklistRecord


@dataclass(frozen=True)
class RaterShare:
    """A rater's progress through a list's items or pairs, not counting repeats."""

    size: int
    """Number assigned or available to the rater; excludes those reserved for others."""

    done: int
    """Number that the rater finished."""

    skipped: int
    """Number of finished ones that were skipped."""


@dataclass(frozen=True)
class AssignmentKind(Generic[Record]):
    """The rules of assignment, for what differs between items and pairs; their ids are keys."""

    table: type[AssignmentRow]
    """Table of the assignments."""

    key: InstrumentedAttribute[Any]
    """Its column with the id of the item or pair."""

    record: type[Record]
    """Dataclass of an assignment."""

    select_ready: Callable[[str], Select[str]]
    """Select the keys of a worklist that can be assigned, by the list's id."""

    select_busy: Callable[[str, str], Select[str]]
    """Select keys that await the end of what the rater has open, by the ids of list and rater.

    An open pair hides the model that its item names, and an open item the texts of its pairs.
    """

    select_spoiled: Callable[[str, str], Select[str]] | None
    """Select keys that a rater of a blind list never gets, by the same ids; None for no such."""

    def assign_next(
        self, session: Session, worklist: WorklistRecord, rater_id: str, washout_before: datetime
    ) -> Record | None:
        """Return the rater's open assignment, or create their next; None if there is none now.

        Every rater has their own order. What they finished before `washout_before` and did not skip
        is repeated once, ahead of new keys, up to the list's share of repeats.
        """
        # Serialise, so that two raters are not assigned a key meant for one.
        session.get_one(Worklist, worklist.id, with_for_update=True)
        rows = self._list_own(session, worklist, rater_id)
        row = next((row for row in rows if row.ended_at is None), None)
        if row is not None:
            return as_record(self.record, row)
        busy = set(session.scalars(self.select_busy(worklist.id, rater_id)))
        idle_rows = [row for row in rows if self._key_of(row) not in busy]
        repeat = self._choose_repeat(idle_rows, worklist.repeats, washout_before)
        key = repeat or min(
            self._list_new(session, worklist, rater_id, rows) - busy,
            key=lambda key: draw_number("order", rater_id, key),
            default=None,
        )
        if key is None:
            return None
        row = self.table(rater_id=rater_id, round=int(repeat is not None), **{self.key.key: key})
        session.add(row)
        session.flush()
        return as_record(self.record, row)

    def find_latest(self, session: Session, key: str, rater_id: str) -> Record | None:
        """A rater's last assignment of a key; None if it was never assigned to them."""
        rounds = select(self.table).where(self.key == key, self.table.rater_id == rater_id)
        row = session.scalar(rounds.order_by(self.table.round.desc()).limit(1))
        return None if row is None else as_record(self.record, row)

    def select_rows(self, worklist_id: str) -> Select[AssignmentRow]:
        """Select all raters' assignments of a list, oldest first."""
        ready = self.select_ready(worklist_id).subquery()  # joined, so that any index can lead
        rows = select(self.table).join(ready, ready.c.id == self.key)
        return rows.order_by(self.table.started_at, self.table.id)

    def measure_share(
        self, session: Session, worklist: WorklistRecord, rater_id: str
    ) -> RaterShare:
        """One rater's progress through a list."""
        rows = self._list_own(session, worklist, rater_id)
        new = self._list_new(session, worklist, rater_id, rows)
        firsts = [row for row in rows if row.round == 0]
        return RaterShare(
            size=len(firsts) + len(new),
            done=sum(row.ended_at is not None for row in firsts),
            skipped=sum(row.skipped for row in firsts),
        )

    def _list_own(
        self, session: Session, worklist: WorklistRecord, rater_id: str
    ) -> Sequence[AssignmentRow]:
        own = self.select_rows(worklist.id).where(self.table.rater_id == rater_id)
        return session.scalars(own).all()

    def _choose_repeat(
        self, rows: Sequence[AssignmentRow], share: float, washout_before: datetime
    ) -> str | None:
        """Key of a rater's oldest assignment due for its repeat; None if there is none."""
        repeated = {self._key_of(row) for row in rows if row.round}
        for row in rows:
            key = self._key_of(row)
            due = row.ended_at is not None and row.ended_at <= washout_before and not row.skipped
            is_chosen = draw_number("repeat", row.rater_id, key) < share
            if due and is_chosen and key not in repeated:
                return key
        return None

    def _list_new(
        self,
        session: Session,
        worklist: WorklistRecord,
        rater_id: str,
        rows: Sequence[AssignmentRow],
    ) -> set[str]:
        """Keys new to a rater that are shared by all raters or not assigned to another."""
        spoiled: Iterable[str] = ()
        if worklist.blind and self.select_spoiled is not None:
            spoiled = session.scalars(self.select_spoiled(worklist.id, rater_id))
        ready = set(session.scalars(self.select_ready(worklist.id)))
        keys = ready.difference(spoiled, map(self._key_of, rows))
        others = self.select_rows(worklist.id).with_only_columns(self.key).order_by(None)
        taken = others.where(self.table.rater_id != rater_id, ~self.table.skipped)
        return keys - {
            key
            for key in keys.intersection(session.scalars(taken))
            if draw_number("shared", worklist.id, key) >= worklist.overlap
        }

    def _key_of(self, row: AssignmentRow) -> str:
        return str(getattr(row, self.key.key))


def end_row(session: Session, row: AssignmentRow, *, skipped: bool = False) -> bool:
    """End an assignment; False, and nothing changes, if it has already ended."""
    if row.ended_at is not None:
        return False
    row.ended_at, row.skipped = now(), skipped
    session.flush()
    return True


def draw_number(purpose: str, owner: str, key: str) -> float:
    """Draw a reproducible number in [0, 1) from the three strings.

    It consists of the first 52 bits of a SHA-256, which a float holds exactly.
    """
    digest = hashlib.sha256(f"{purpose} {owner} {key}".encode()).hexdigest()
    return int(digest[:13], 16) / 16**13
