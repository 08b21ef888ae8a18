"""Tables of worklists: items with frozen completions, and their assignments to raters."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.base import Base, new_id, now


class Worklist(Base):
    """Items that several raters rate, and the rules for assigning them."""

    __tablename__ = "worklists"
    __table_args__ = (
        CheckConstraint("name <> ''", name="name"),
        CheckConstraint("overlap BETWEEN 0 AND 1", name="overlap"),
        CheckConstraint("repeats BETWEEN 0 AND 1", name="repeats"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    blind: Mapped[bool]
    teaching: Mapped[bool]
    overlap: Mapped[float]
    repeats: Mapped[float]
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)


class WorklistItem(Base):
    """A question about a region; `question_id` is set once its completions exist."""

    __tablename__ = "worklist_items"
    __table_args__ = (
        CheckConstraint("width > 0 AND height > 0", name="size"),
        UniqueConstraint("worklist_id", "position"),
        UniqueConstraint("question_id"),
        Index(None, "slide_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    worklist_id: Mapped[str] = mapped_column(ForeignKey("worklists.id"))
    position: Mapped[int]
    slide_id: Mapped[str] = mapped_column(ForeignKey("slides.id"))
    x: Mapped[int]
    y: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    question: Mapped[str] = mapped_column(Text)
    options: Mapped[list[Any]]
    task: Mapped[str | None] = mapped_column(String(200))
    reference_answer: Mapped[str | None] = mapped_column(Text)
    question_id: Mapped[str | None] = mapped_column(ForeignKey("questions.id"))


class AssignmentRow(Base):
    """What an item and a pair have in common once they are assigned to a rater."""

    __abstract__ = True

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    rater_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    round: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
    skipped: Mapped[bool] = mapped_column(default=False)


class WorklistAssignment(AssignmentRow):
    """An item assigned to a rater; a later round repeats it to measure intra-rater agreement."""

    __tablename__ = "worklist_assignments"
    __table_args__ = (
        UniqueConstraint("item_id", "rater_id", "round"),
        CheckConstraint("round >= 0", name="round"),
        CheckConstraint("(first_answer IS NULL) = (first_answer_at IS NULL)", name="first_answer"),
        CheckConstraint(
            "first_confidence IS NULL OR "
            "(first_confidence BETWEEN 1 AND 5 AND first_answer IS NOT NULL)",
            name="first_confidence",
        ),
        CheckConstraint("NOT skipped OR ended_at IS NOT NULL", name="skipped"),
        Index(None, "rater_id", "ended_at"),
    )

    item_id: Mapped[str] = mapped_column(ForeignKey("worklist_items.id"))
    first_answer: Mapped[str | None] = mapped_column(Text)
    first_confidence: Mapped[int | None]
    first_answer_at: Mapped[datetime | None]
