"""Tables of feedback on completions: the full history, and the current rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.base import Base, new_id, now
from storage.feedback.vocabulary import (
    CHOICES,
    COMMENT_LENGTH,
    KEY_LENGTH,
    KINDS,
    LEAST_CONFIDENCE,
    MOST_CONFIDENCE,
    UNDONE,
    VERDICTS,
)

REQUIRED_COLUMNS = {
    "verdict": ("verdict",),
    "labels": ("absences", "steps"),
    "edited_trace": ("edited_steps", "edited_text"),
    "preference": ("other_completion_id", "left_completion_id", "choice"),
}
"""Columns required for a kind of feedback and forbidden for others."""

OPTIONAL_COLUMNS = {
    "verdict": ("corrected_answer", "confidence"),
    "evidence": ("x", "y", "width", "height", "points"),
    "preference": ("reasons",),
}
"""Columns allowed for a kind of feedback and forbidden for others."""


def _one_of(column: str, words: tuple[str, ...]) -> str:
    """SQL condition that a column holds one of these words."""
    listed = ", ".join(f"'{word}'" for word in words)
    return f"{column} IN ({listed})"


CHECKS = {
    "kind": _one_of("kind", KINDS),
    "verdict": _one_of("verdict", VERDICTS),
    "confidence": f"confidence BETWEEN {LEAST_CONFIDENCE} AND {MOST_CONFIDENCE}",
    "comment": f"length(comment) <= {COMMENT_LENGTH}",
    "seconds": "seconds >= 0",
    "idempotency_key": f"length(idempotency_key) BETWEEN 1 AND {KEY_LENGTH}",
    "size": "width > 0 AND height > 0",
    # evidence without a box withdraws an earlier one
    "box": "(x IS NULL) = (y IS NULL) AND (x IS NULL) = (width IS NULL) "
    "AND (x IS NULL) = (height IS NULL) AND (points IS NULL OR x IS NOT NULL)",
    "choice": _one_of("choice", (*CHOICES, UNDONE)),
    "pair": "other_completion_id <> completion_id",
    "left": "left_completion_id IN (completion_id, other_completion_id)",
    "whole": " AND ".join(
        f"(kind = '{kind}') = ({column} IS NOT NULL)"
        for kind, columns in REQUIRED_COLUMNS.items()
        for column in columns
    ),
    "foreign": " AND ".join(
        f"(kind = '{kind}' OR {column} IS NULL)"
        for kind, columns in OPTIONAL_COLUMNS.items()
        for column in columns
    ),
}
"""Check constraints of a feedback row by name; `whole` and `foreign` limit each kind to its
columns.
"""


class Feedback(Base):
    """One rater's feedback on a completion; triggers refuse changes and removal."""

    __tablename__ = "feedback"
    __table_args__ = (
        *(CheckConstraint(rule, name=name) for name, rule in CHECKS.items()),
        UniqueConstraint("rater_id", "idempotency_key"),
        UniqueConstraint("supersedes_id"),
        Index(None, "completion_id", "rater_id", "seconds"),
        Index(
            "ix_feedback_statistics",  # the name generated from its columns would be too long
            "kind",
            "completion_id",
            "rater_id",
            "verdict",
            "confidence",
            "created_at",
            "id",
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    rater_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    completion_id: Mapped[str] = mapped_column(ForeignKey("completions.id"))
    kind: Mapped[str] = mapped_column(String(16))
    idempotency_key: Mapped[str] = mapped_column(String(KEY_LENGTH))
    supersedes_id: Mapped[str | None] = mapped_column(ForeignKey("feedback.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    seconds: Mapped[float | None]
    overlay_seen: Mapped[bool | None]
    comment: Mapped[str | None] = mapped_column(Text)
    verdict: Mapped[str | None] = mapped_column(String(32))
    corrected_answer: Mapped[str | None] = mapped_column(Text)
    confidence: Mapped[int | None]
    absences: Mapped[list[Any] | None]
    steps: Mapped[list[Any] | None]
    edited_steps: Mapped[list[Any] | None]
    edited_text: Mapped[str | None] = mapped_column(Text)
    x: Mapped[int | None]
    y: Mapped[int | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    points: Mapped[list[Any] | None]
    other_completion_id: Mapped[str | None] = mapped_column(
        ForeignKey("completions.id"), index=True
    )
    left_completion_id: Mapped[str | None] = mapped_column(ForeignKey("completions.id"))
    choice: Mapped[str | None] = mapped_column(String(16))
    reasons: Mapped[list[Any] | None]


class CurrentFeedback(Base):
    """A rater's current feedback; written in the transaction that appends the feedback."""

    __tablename__ = "current_feedback"

    rater_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    completion_id: Mapped[str] = mapped_column(
        ForeignKey("completions.id"), primary_key=True, index=True
    )
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    other: Mapped[str] = mapped_column(String(36), primary_key=True, default="")
    feedback_id: Mapped[str] = mapped_column(ForeignKey("feedback.id"), unique=True)
