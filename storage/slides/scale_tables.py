"""Append-only table of scales that people entered for slides."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from storage.base import Base, now


class ScaleEntry(Base):
    """A scale that an account entered for a slide, or withdrew; triggers refuse any change.

    The newest row of a slide counts. Values are in microns per level-0 pixel.
    """

    __tablename__ = "scale_entries"
    __table_args__ = (
        CheckConstraint("mpp_x > 0 AND mpp_y > 0", name="mpp"),
        CheckConstraint("(mpp_x IS NULL) = (mpp_y IS NULL)", name="both_axes"),
        CheckConstraint("line IS NULL OR mpp_x IS NOT NULL", name="line"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    slide_id: Mapped[str] = mapped_column(ForeignKey("slides.id"), index=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    entered_at: Mapped[datetime | None] = mapped_column(default=now)
    mpp_x: Mapped[float | None]
    mpp_y: Mapped[float | None]
    claimed_x: Mapped[float | None]
    claimed_y: Mapped[float | None]
    line: Mapped[dict[str, Any] | None]
