"""Tables of questions, completions, deletion checks and files."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

from storage.base import Base, new_id, now


class Blob(Base):
    """A file named by its SHA-256; `removed_at` is when it was removed on purpose."""

    __tablename__ = "blobs"
    __table_args__ = (
        CheckConstraint("kind IN ('pixels', 'attention', 'evidence')", name="kind"),
        CheckConstraint("length(sha256) = 64", name="sha256"),
        CheckConstraint("byte_count > 0", name="byte_count"),
        Index(None, "kind", "created_at"),
    )

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    media_type: Mapped[str] = mapped_column(String(100))
    byte_count: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(default=now)
    removed_at: Mapped[datetime | None]


class Question(Base):
    """A question about a region of a slide, with everything its completions depend on."""

    __tablename__ = "questions"
    __table_args__ = (
        CheckConstraint("width > 0 AND height > 0", name="size"),
        CheckConstraint("mpp > 0", name="mpp"),
        CheckConstraint("count > 0", name="count"),
        CheckConstraint("min_pixels > 0 AND max_pixels >= min_pixels", name="budget"),
        CheckConstraint("state IN ('running', 'done', 'stopped', 'failed')", name="state"),
        CheckConstraint("(state = 'running') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="failure"),
        CheckConstraint("(first_answer IS NULL) = (first_answer_at IS NULL)", name="first_answer"),
        CheckConstraint(
            "first_confidence IS NULL OR "
            "(first_confidence BETWEEN 1 AND 5 AND first_answer IS NOT NULL)",
            name="first_confidence",
        ),
        Index(None, "account_id", "created_at"),
        Index(None, "slide_id", "created_at"),
        Index(None, "id", "slide_id", "model", "task"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    slide_id: Mapped[str] = mapped_column(ForeignKey("slides.id"))
    quickhash: Mapped[str | None] = mapped_column(String(128))
    x: Mapped[int]
    y: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    points: Mapped[list[Any] | None]
    paint_outside: Mapped[bool]
    mpp: Mapped[float | None]
    scale: Mapped[dict[str, Any] | None]
    slide_identity: Mapped[dict[str, Any] | None]
    question: Mapped[str] = mapped_column(Text)
    options: Mapped[list[Any]]
    context: Mapped[dict[str, Any]]
    task: Mapped[str | None] = mapped_column(String(200))
    outside_known_types: Mapped[bool]
    prompt: Mapped[str] = mapped_column(Text)
    system: Mapped[str | None] = mapped_column(Text)
    pixels_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"), index=True)
    pixel_width: Mapped[int | None]
    pixel_height: Mapped[int | None]
    columns: Mapped[int | None]
    rows: Mapped[int | None]
    prompt_tokens: Mapped[int | None]
    colours: Mapped[dict[str, Any] | None]
    writer: Mapped[str | None] = mapped_column(String(300))
    model: Mapped[str] = mapped_column(Text)
    model_revision: Mapped[str | None] = mapped_column(Text)
    model_info: Mapped[dict[str, Any] | None]
    sampling: Mapped[dict[str, Any]]
    count: Mapped[int]
    min_pixels: Mapped[int]
    max_pixels: Mapped[int]
    blind: Mapped[bool]
    state: Mapped[str] = mapped_column(String(16), default="running", index=True)
    failure: Mapped[str | None] = mapped_column(Text)
    first_answer: Mapped[str | None] = mapped_column(Text)
    first_confidence: Mapped[int | None]
    first_answer_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]


class Completion(Base):
    """A completion; triggers refuse changes and removal, except of attention and evidence."""

    __tablename__ = "completions"
    __table_args__ = (
        Unique("question_id", "index"),
        Index(None, "id", "question_id"),
        CheckConstraint("finish IN ('stop', 'length', 'cancelled')", name="finish"),
        CheckConstraint('"index" >= 0', name="index"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    question_id: Mapped[str] = mapped_column(ForeignKey("questions.id"))
    index: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    token_ids: Mapped[list[Any]]
    token_ends: Mapped[list[Any]]
    finish: Mapped[str] = mapped_column(String(16))
    answer: Mapped[str | None] = mapped_column(Text)
    well_formed: Mapped[bool]
    seconds: Mapped[float]
    first_token_seconds: Mapped[float]
    attention_sha256: Mapped[str | None] = mapped_column(ForeignKey("blobs.sha256"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    token_logprobs: Mapped[list[Any] | None]
    evidence_sha256: Mapped[str | None] = mapped_column(ForeignKey("blobs.sha256"), index=True)


class DeletionCheck(Base):
    """Likelihood of an answer without the pixels that it attended to, and how they were masked."""

    __tablename__ = "deletion_checks"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    completion_id: Mapped[str] = mapped_column(ForeignKey("completions.id"), index=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    passage: Mapped[str] = mapped_column(String(64))
    as_is: Mapped[float]
    blanked: Mapped[float]
    attended_masked: Mapped[float]
    random_masked: Mapped[list[Any]]
    verdict: Mapped[str] = mapped_column(String(64))
    sentence: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)
    fill: Mapped[str] = mapped_column(String(32))
    version: Mapped[int]
    controls: Mapped[dict[str, Any] | None]
