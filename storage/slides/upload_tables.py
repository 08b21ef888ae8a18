"""Table of uploads: announced files and their senders' names for them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from storage.base import Base, now


class Upload(Base):
    """A file that an account announced; on disk it is named by its id."""

    __tablename__ = "uploads"
    __table_args__ = (
        CheckConstraint("byte_count > 0", name="byte_count"),
        Index(None, "account_id", "arrived_at"),
        Index(None, "account_id", "series"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    file_name: Mapped[str] = mapped_column(String(255))
    byte_count: Mapped[int] = mapped_column(BigInteger)
    folder_id: Mapped[str] = mapped_column(String(32))
    series: Mapped[str | None] = mapped_column(String(64))
    begun_at: Mapped[datetime] = mapped_column(default=now)
    arrived_at: Mapped[datetime | None]
