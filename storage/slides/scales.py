"""Scales that people entered for slides: a history that only grows, whose newest entry counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from storage.errors import RecordNotFoundError
from storage.tables import Account, ScaleEntry, Slide


@dataclass(frozen=True)
class NewScale:
    """A scale to be entered, in microns per level-0 pixel."""

    mpp_x: float | None
    """Width of a pixel; None, as the height, takes back what was entered."""

    mpp_y: float | None
    """Height of a pixel."""

    claimed_x: float | None = None
    """What the file claimed then; None if it stated nothing."""

    claimed_y: float | None = None
    """The same along the height."""

    line: Mapping[str, Any] | None = None
    """The line of known length that the scale follows from; None where it was typed."""


@dataclass(frozen=True)
class ScaleRecord(NewScale):
    """An entry of a slide's history."""

    entered_at: datetime | None = None
    """When, UTC; None where a former version of the program did not keep it."""

    account_name: str = ""
    """Who entered it."""


def enter_scale(session: Session, slide_id: str, account_id: str, new: NewScale) -> None:
    """Add to a slide's history; raises `RecordNotFoundError`."""
    if session.get(Slide, slide_id) is None:
        raise RecordNotFoundError(f"There is no slide with the id {slide_id}.")
    line = None if new.line is None else dict(new.line)
    values = vars(new) | {"line": line}
    session.add(ScaleEntry(slide_id=slide_id, account_id=account_id, **values))
    session.flush()


def list_current_scales(session: Session) -> dict[str, ScaleRecord]:
    """The newest entry of every slide that has one, unless it takes the former one back."""
    newest = select(func.max(ScaleEntry.id)).group_by(ScaleEntry.slide_id)
    wanted = _entries().where(ScaleEntry.id.in_(newest), ScaleEntry.mpp_x.is_not(None))
    return {row.slide_id: _record(row) for row in session.execute(wanted)}


def list_scale_history(session: Session, slide_id: str) -> list[ScaleRecord]:
    """All entries of a slide, the oldest first."""
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
