"""Table of the completions in exported data sets."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.base import Base, now


class ExportedCompletion(Base):
    """A completion in a version of a data set; triggers let it go only with the completion.

    `account_id` is NULL for the command line.
    """

    __tablename__ = "exported_completions"
    __table_args__ = (
        UniqueConstraint("dataset_sha256", "completion_id"),
        CheckConstraint("length(dataset_sha256) = 64", name="dataset_sha256"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    dataset_sha256: Mapped[str] = mapped_column(String(64))
    completion_id: Mapped[str] = mapped_column(
        ForeignKey("completions.id", ondelete="CASCADE"), index=True
    )
    format: Mapped[str] = mapped_column(String(16))
    account_id: Mapped[str | None] = mapped_column(ForeignKey("accounts.id"))
    exported_at: Mapped[datetime] = mapped_column(default=now)
