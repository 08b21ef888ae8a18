"""Scales entered for slides: an append-only history whose newest entry counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from storage import user_messages
from storage.errors import RecordNotFoundError
from storage.tables import Account, ScaleEntry, Slide


@dataclass(frozen=True)
class NewScale:
    """A scale to enter, in microns per level-0 pixel."""

    mpp_x: float | None
    """Pixel width; None, together with the height, withdraws the entered scale."""

    mpp_y: float | None
    """Pixel height."""

    claimed_x: float | None = None
    """Pixel width claimed by the file at the time; None if it stated nothing."""

    claimed_y: float | None = None
    """Pixel height claimed by the file."""

    line: Mapping[str, Any] | None = None
    """Line of known length from which the scale follows; None if it was typed."""


@dataclass(frozen=True)
class ScaleRecord(NewScale):
    """An entry in a slide's scale history."""

    entered_at: datetime | None = None
    """Time of entry, UTC; None if an earlier version did not record it."""

    account_name: str = ""
    """Account that entered it."""


def enter_scale(session: Session, slide_id: str, account_id: str, new: NewScale) -> None:
    """Append to a slide's history; raises `RecordNotFoundError`."""
    if session.get(Slide, slide_id) is None:
        raise RecordNotFoundError(user_messages.no_slide(slide_id))
    line = None if new.line is None else dict(new.line)
    values = vars(new) | {"line": line}
    session.add(ScaleEntry(slide_id=slide_id, account_id=account_id, **values))
    session.flush()


def list_current_scales(session: Session) -> dict[str, ScaleRecord]:
    """Newest entry of every slide, except where it withdraws the scale."""
    newest = select(func.max(ScaleEntry.id)).group_by(ScaleEntry.slide_id)
    wanted = _entries().where(ScaleEntry.id.in_(newest), ScaleEntry.mpp_x.is_not(None))
    return {row.slide_id: _record(row) for row in session.execute(wanted)}


def list_scale_history(session: Session, slide_id: str) -> list[ScaleRecord]:
    """All entries of a slide, oldest first."""
    wanted = _entries().where(ScaleEntry.slide_id == slide_id).order_by(ScaleEntry.id)
    return [_record(row) for row in session.execute(wanted)]


def _entries() -> Select[Any]:
    columns = [
        getattr(ScaleEntry, name)
        for name in ScaleRecord.__dataclass_fields__
        if name != "account_name"
    ]
    named = select(ScaleEntry.slide_id, *columns, Account.name.label("account_name"))
    return named.join(Account, Account.id == ScaleEntry.account_id)


def _record(row: Row[Any]) -> ScaleRecord:
    return ScaleRecord(**{name: getattr(row, name) for name in ScaleRecord.__dataclass_fields__})
