"""All tables as SQLAlchemy classes; their history is in `migrations`.

Ids are UUIDs as text, times are UTC, and lengths on slides are level-0 pixels. Importing this
module loads all tables, including those defined in other modules, such as questions and feedback.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.accounts.consent_tables import Consent
from storage.base import Base, UtcDateTime, new_id, now
from storage.cases.tables import Case, Withdrawal
from storage.comparisons.tables import Comparison, WorklistPair, WorklistQuestion
from storage.exports.tables import ExportedCompletion
from storage.feedback.judge_tables import JudgeLabels
from storage.feedback.tables import CurrentFeedback, Feedback
from storage.questions.tables import Blob, Completion, DeletionCheck, Question
from storage.slides.scale_tables import ScaleEntry
from storage.slides.upload_tables import Upload
from storage.worklists.tables import AssignmentRow, Worklist, WorklistAssignment, WorklistItem

__all__ = [
    "LOCAL_ACCOUNT_ID",
    "AccessToken",
    "Account",
    "AssignmentRow",
    "AuditEntry",
    "Base",
    "Blob",
    "Case",
    "Comparison",
    "Completion",
    "Consent",
    "CurrentFeedback",
    "DeletionCheck",
    "ExportedCompletion",
    "Feedback",
    "JudgeLabels",
    "LoginSession",
    "Question",
    "Region",
    "ScaleEntry",
    "Slide",
    "Upload",
    "UtcDateTime",
    "Withdrawal",
    "Worklist",
    "WorklistAssignment",
    "WorklistItem",
    "WorklistPair",
    "WorklistQuestion",
    "new_id",
    "now",
]

LOCAL_ACCOUNT_ID = "local"
"""Id of the built-in account, which owns all data where there is no login."""


class Account(Base):
    """A user of the program."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("role IN ('admin', 'researcher', 'clinician', 'viewer')", name="role"),
        CheckConstraint("name <> '' AND name = lower(name)", name="name"),
        CheckConstraint("(issuer IS NULL) = (subject IS NULL)", name="issuer_subject"),
        UniqueConstraint("issuer", "subject"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str | None] = mapped_column(String(256))
    issuer: Mapped[str | None] = mapped_column(String(512))
    subject: Mapped[str | None] = mapped_column(String(255))
    disabled: Mapped[bool] = mapped_column(default=False)
    rater: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class LoginSession(Base):
    """A login that has not ended."""

    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class AccessToken(Base):
    """A script's bearer token."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    label: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Slide(Base):
    """A slide seen in a folder, with its description."""

    __tablename__ = "slides"
    __table_args__ = (
        CheckConstraint("alias <> ''", name="alias"),
        Index(
            "uq_slides_location",
            "folder",
            "relative_path",
            unique=True,
            sqlite_where=text("replaced_at IS NULL"),
            postgresql_where=text("replaced_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    folder: Mapped[str] = mapped_column(Text)
    relative_path: Mapped[str] = mapped_column(Text)
    quickhash: Mapped[str | None] = mapped_column(String(128), index=True)
    alias: Mapped[str] = mapped_column(String(200))
    file_name: Mapped[str | None] = mapped_column(String(255))
    instances: Mapped[list[Any] | None]
    first_seen_at: Mapped[datetime] = mapped_column(default=now)
    replaced_at: Mapped[datetime | None]
    case_id: Mapped[str | None] = mapped_column(ForeignKey("cases.id"), index=True)
    organ: Mapped[str | None] = mapped_column(String(200))
    specimen: Mapped[str | None] = mapped_column(String(200))
    stain: Mapped[str | None] = mapped_column(String(200))
    scanner: Mapped[str | None] = mapped_column(String(200))


class Region(Base):
    """A region that an account drew on a slide, in level-0 pixels."""

    __tablename__ = "regions"
    __table_args__ = (
        CheckConstraint("shape IN ('rectangle', 'polygon')", name="shape"),
        CheckConstraint("width > 0 AND height > 0", name="size"),
        Index(None, "slide_id", "account_id"),
        Index(None, "account_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    slide_id: Mapped[str] = mapped_column(ForeignKey("slides.id"))
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str] = mapped_column(String(200))
    shape: Mapped[str] = mapped_column(String(16))
    points: Mapped[list[Any]]
    x: Mapped[int]
    y: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class AuditEntry(Base):
    """An audited action; triggers refuse changes and removal.

    `account_id` is not a foreign key: an entry may refer to a visitor or to an unknown name.
    """

    __tablename__ = "audit_entries"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    account_id: Mapped[str | None] = mapped_column(String(36))
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(200))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
