"""Tables of cases, and of what was withdrawn."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.base import Base, new_id, now


class Case(Base):
    """A patient's specimen with its slides; `name` may be an accession number and never leaves."""

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
    """A tombstone: what of a case or of a rater was taken back; triggers refuse to change it.

    It is written before anything is removed, for the triggers of the tables that only grow let a
    row go whose case or rater has one that is younger than the row. One of kind `unjudged` lets
    nothing go that was said, nor of what.
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
