"""Tables of pairs of frozen completions and of comparisons assigned to raters."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.base import Base, new_id, now
from storage.worklists.tables import AssignmentRow


class WorklistQuestion(Base):
    """An item's question to another model; pixels and prompt may differ."""

    __tablename__ = "worklist_questions"
    __table_args__ = (Index(None, "item_id"),)

    question_id: Mapped[str] = mapped_column(ForeignKey("questions.id"), primary_key=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("worklist_items.id"))


class WorklistPair(Base):
    """Two completions to compare, and their sampling probability."""

    __tablename__ = "worklist_pairs"
    __table_args__ = (
        CheckConstraint("one_completion_id < other_completion_id", name="order"),
        CheckConstraint("probability > 0 AND probability <= 1", name="probability"),
        UniqueConstraint("one_completion_id", "other_completion_id"),
        Index(None, "item_id"),
        Index(None, "other_completion_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    item_id: Mapped[str] = mapped_column(ForeignKey("worklist_items.id"))
    one_completion_id: Mapped[str] = mapped_column(ForeignKey("completions.id"))
    other_completion_id: Mapped[str] = mapped_column(ForeignKey("completions.id"))
    plan: Mapped[str] = mapped_column(String(32))
    seed: Mapped[int]
    probability: Mapped[float]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Comparison(AssignmentRow):
    """A pair assigned to a rater, or the two completions of their own question.

    The pair's first completion (completion 0 of a question) is on the left unless `flipped`.
    """

    __tablename__ = "comparisons"
    __table_args__ = (
        UniqueConstraint("pair_id", "rater_id", "round"),
        UniqueConstraint("question_id", "rater_id"),
        CheckConstraint("(pair_id IS NULL) <> (question_id IS NULL)", name="what"),
        CheckConstraint("round >= 0", name="round"),
        CheckConstraint("NOT skipped OR ended_at IS NOT NULL", name="skipped"),
        CheckConstraint("feedback_id IS NULL OR ended_at IS NOT NULL", name="voted"),
        Index(None, "rater_id", "ended_at"),
        Index(None, "feedback_id"),
    )

    pair_id: Mapped[str | None] = mapped_column(ForeignKey("worklist_pairs.id"))
    question_id: Mapped[str | None] = mapped_column(ForeignKey("questions.id"))
    flipped: Mapped[bool] = mapped_column(default=lambda: secrets.randbelow(2) == 1)
    feedback_id: Mapped[str | None] = mapped_column(ForeignKey("feedback.id"))
