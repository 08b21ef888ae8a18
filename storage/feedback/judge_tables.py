"""Table of labels by judge models, beside raters' feedback."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.base import Base, new_id, now


class JudgeLabels(Base):
    """Events that a judge model found in a completion; deleted with the completion."""

    __tablename__ = "judge_labels"
    __table_args__ = (
        UniqueConstraint("completion_id", "judge"),
        CheckConstraint("judge <> ''", name="judge"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    completion_id: Mapped[str] = mapped_column(ForeignKey("completions.id", ondelete="CASCADE"))
    judge: Mapped[str] = mapped_column(String(200))
    events: Mapped[list[Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)
