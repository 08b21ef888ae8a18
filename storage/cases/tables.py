"""Tables of cases and withdrawals."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.base import Base, new_id, now


class Case(Base):
    """A patient's specimen and slides; `name`, maybe an accession number, is never exported."""

    __tablename__ = "cases"
    __table_args__ = (
        CheckConstraint("name <> ''", name="name"),
        CheckConstraint(
            "reference_source IS NULL OR reference_answer IS NOT NULL", name="reference"
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    reference_answer: Mapped[str | None] = mapped_column(Text)
    reference_source: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=now)


class Withdrawal(Base):
    """A tombstone for data withdrawn for a case or a rater; triggers refuse changes.

    It is written before the removal: the triggers of append-only tables let a row go only if its
    case or rater has a tombstone younger than the row. Kind `unjudged` never lets go of feedback,
    nor of anything that has feedback.
    """

    __tablename__ = "withdrawals"
    __table_args__ = (
        CheckConstraint("kind IN ('case', 'rater', 'unjudged')", name="kind"),
        Index(None, "kind", "subject_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=now)
    kind: Mapped[str] = mapped_column(String(8))
    subject_id: Mapped[str] = mapped_column(String(36))
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    detail: Mapped[dict[str, Any]]
