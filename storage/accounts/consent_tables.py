"""Table of consents: accounts that agreed to license their labels."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.base import Base, new_id, now


class Consent(Base):
    """An account's consent to a licence; triggers refuse changes and removal."""

    __tablename__ = "consents"
    __table_args__ = (
        UniqueConstraint("account_id", "licence"),
        CheckConstraint("licence <> ''", name="licence"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    licence: Mapped[str] = mapped_column(String(200))
    agreed_at: Mapped[datetime] = mapped_column(default=now)
