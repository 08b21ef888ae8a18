"""Readings, completions, checks of completions, and the files beside them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from storage.migrations.append_only import append_only, refuse_replacing
from storage.migrations.columns import MOMENT, checks, id_column, numbers, reference, text_column

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COMPLETION_COLUMNS = (
    "id",
    "question_id",
    "index",
    "text",
    "token_ids",
    "token_ends",
    "finish",
    "answer",
    "well_formed",
    "seconds",
    "first_token_seconds",
    "created_at",
)
"""What is never changed of a completion: all but where its attention is kept."""


def upgrade() -> None:
    """To this revision."""
    _create_blobs()
    _create_questions()
    _create_completions()
    _create_deletion_checks()
    append_only("completions", [["id"], ["question_id", "index"]], COMPLETION_COLUMNS)
    append_only("deletion_checks", [["id"]])
    if op.get_bind().dialect.name == "sqlite":
        refuse_replacing("audit_entries", [["id"]])


def _create_blobs() -> None:
    rules = {
        "kind": "kind IN ('pixels', 'attention')",
        "sha256": "length(sha256) = 64",
        "byte_count": "byte_count > 0",
    }
    op.create_table(
        "blobs",
        text_column("sha256", 64),
        text_column("kind", 16),
        text_column("media_type", 100),
        sa.Column("byte_count", sa.BigInteger, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("removed_at", MOMENT),
        sa.PrimaryKeyConstraint("sha256", name="pk_blobs"),
        *checks("blobs", rules),
    )
    op.create_index("ix_blobs_kind_created_at", "blobs", ["kind", "created_at"])


def _create_questions() -> None:
    rules = {
        "size": "width > 0 AND height > 0",
        "mpp": "mpp > 0",
        "count": "count > 0",
        "budget": "min_pixels > 0 AND max_pixels >= min_pixels",
        "state": "state IN ('running', 'done', 'stopped', 'failed')",
        "ended": "(state = 'running') = (ended_at IS NULL)",
        "failure": "(state = 'failed') = (failure IS NOT NULL)",
        "first_answer": "(first_answer IS NULL) = (first_answer_at IS NULL)",
        "first_confidence": "first_confidence IS NULL OR "
        "(first_confidence BETWEEN 1 AND 5 AND first_answer IS NOT NULL)",
    }
    op.create_table(
        "questions",
        *_question_columns(),
        sa.PrimaryKeyConstraint("id", name="pk_questions"),
        reference("questions", "account_id", "accounts.id"),
        reference("questions", "slide_id", "slides.id"),
        reference("questions", "pixels_sha256", "blobs.sha256"),
        *checks("questions", rules),
    )
    op.create_index("ix_questions_account_id_created_at", "questions", ["account_id", "created_at"])
    op.create_index("ix_questions_slide_id_created_at", "questions", ["slide_id", "created_at"])
    op.create_index("ix_questions_pixels_sha256", "questions", ["pixels_sha256"])
    op.create_index("ix_questions_state", "questions", ["state"])


def _question_columns() -> list[sa.Column[Any]]:
    return [
        id_column(),
        text_column("account_id", 36),
        text_column("slide_id", 36),
        text_column("quickhash", 128, null=True),
        *numbers("x y width height"),
        sa.Column("points", sa.JSON),
        sa.Column("paint_outside", sa.Boolean, nullable=False),
        sa.Column("mpp", sa.Double),
        text_column("question"),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("context", sa.JSON, nullable=False),
        text_column("task", 200, null=True),
        sa.Column("outside_known_types", sa.Boolean, nullable=False),
        text_column("prompt"),
        text_column("system", null=True),
        text_column("pixels_sha256", 64),
        *numbers("pixel_width pixel_height columns rows prompt_tokens", null=True),
        text_column("model"),
        text_column("model_revision", null=True),
        sa.Column("model_info", sa.JSON),
        sa.Column("sampling", sa.JSON, nullable=False),
        *numbers("count min_pixels max_pixels"),
        sa.Column("blind", sa.Boolean, nullable=False),
        text_column("state", 16),
        text_column("failure", null=True),
        text_column("first_answer", null=True),
        *numbers("first_confidence", null=True),
        sa.Column("first_answer_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
    ]


def _create_completions() -> None:
    rules = {"finish": "finish IN ('stop', 'length', 'cancelled')", "index": '"index" >= 0'}
    op.create_table(
        "completions",
        id_column(),
        text_column("question_id", 36),
        *numbers("index"),
        text_column("text"),
        sa.Column("token_ids", sa.JSON, nullable=False),
        sa.Column("token_ends", sa.JSON, nullable=False),
        text_column("finish", 16),
        text_column("answer", null=True),
        sa.Column("well_formed", sa.Boolean, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("first_token_seconds", sa.Double, nullable=False),
        text_column("attention_sha256", 64, null=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_completions"),
        sa.UniqueConstraint("question_id", "index", name="uq_completions_question_id_index"),
        reference("completions", "question_id", "questions.id"),
        reference("completions", "attention_sha256", "blobs.sha256"),
        *checks("completions", rules),
    )
    op.create_index("ix_completions_attention_sha256", "completions", ["attention_sha256"])


def _create_deletion_checks() -> None:
    op.create_table(
        "deletion_checks",
        id_column(),
        text_column("completion_id", 36),
        text_column("account_id", 36),
        text_column("passage", 64),
        sa.Column("as_is", sa.Double, nullable=False),
        sa.Column("blanked", sa.Double, nullable=False),
        sa.Column("attended_masked", sa.Double, nullable=False),
        sa.Column("random_masked", sa.JSON, nullable=False),
        text_column("verdict", 64),
        text_column("sentence"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deletion_checks"),
        reference("deletion_checks", "completion_id", "completions.id"),
        reference("deletion_checks", "account_id", "accounts.id"),
    )
    op.create_index("ix_deletion_checks_completion_id", "deletion_checks", ["completion_id"])
