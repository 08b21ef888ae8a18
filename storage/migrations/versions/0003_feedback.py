"""Feedback, which can only grow, and what of it holds now."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from storage.migrations.append_only import append_only
from storage.migrations.columns import MOMENT, checks, id_column, numbers, reference, text_column

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    _create_feedback()
    _create_current_feedback()
    append_only("feedback", [["id"], ["rater_id", "idempotency_key"], ["supersedes_id"]])


def _create_feedback() -> None:
    op.create_table(
        "feedback",
        *_feedback_columns(),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
        sa.UniqueConstraint(
            "rater_id", "idempotency_key", name="uq_feedback_rater_id_idempotency_key"
        ),
        sa.UniqueConstraint("supersedes_id", name="uq_feedback_supersedes_id"),
        reference("feedback", "rater_id", "accounts.id"),
        reference("feedback", "completion_id", "completions.id"),
        reference("feedback", "supersedes_id", "feedback.id"),
        reference("feedback", "other_completion_id", "completions.id"),
        reference("feedback", "left_completion_id", "completions.id"),
        *checks("feedback", _feedback_rules()),
    )
    op.create_index("ix_feedback_completion_id_rater_id", "feedback", ["completion_id", "rater_id"])
    op.create_index("ix_feedback_other_completion_id", "feedback", ["other_completion_id"])


def _feedback_columns() -> list[sa.Column[Any]]:
    return [
        id_column(),
        text_column("rater_id", 36),
        text_column("completion_id", 36),
        text_column("kind", 16),
        text_column("idempotency_key", 64),
        text_column("supersedes_id", 36, null=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("seconds", sa.Double),
        sa.Column("overlay_seen", sa.Boolean),
        text_column("comment", null=True),
        text_column("verdict", 32, null=True),
        text_column("corrected_answer", null=True),
        *numbers("confidence", null=True),
        sa.Column("absences", sa.JSON),
        sa.Column("steps", sa.JSON),
        sa.Column("edited_steps", sa.JSON),
        text_column("edited_text", null=True),
        *numbers("x y width height", null=True),
        sa.Column("points", sa.JSON),
        text_column("other_completion_id", 36, null=True),
        text_column("left_completion_id", 36, null=True),
        text_column("choice", 16, null=True),
        sa.Column("reasons", sa.JSON),
    ]


def _feedback_rules() -> dict[str, str]:
    has = {  # columns that a kind has and no other may have
        "verdict": ("verdict",),
        "labels": ("absences", "steps"),
        "edited_trace": ("edited_steps", "edited_text"),
        "preference": ("other_completion_id", "left_completion_id", "choice"),
    }
    may_have = {  # columns that a kind may have and no other may have
        "verdict": ("corrected_answer", "confidence"),
        "evidence": ("x", "y", "width", "height", "points"),
        "preference": ("reasons",),
    }
    return {
        "kind": "kind IN ('verdict', 'labels', 'edited_trace', 'evidence', 'preference')",
        "verdict": "verdict IN ('correct', 'partly_correct', 'incorrect', 'unsure', "
        "'not_assessable', 'unsuitable_question')",
        "confidence": "confidence BETWEEN 1 AND 5",
        "comment": "length(comment) <= 4000",
        "seconds": "seconds >= 0",
        "idempotency_key": "length(idempotency_key) BETWEEN 1 AND 64",
        "size": "width > 0 AND height > 0",
        # evidence without a box takes a former one back
        "box": "(x IS NULL) = (y IS NULL) AND (x IS NULL) = (width IS NULL) "
        "AND (x IS NULL) = (height IS NULL) AND (points IS NULL OR x IS NOT NULL)",
        "choice": "choice IN ('left', 'right', 'tie', 'both_bad')",
        "pair": "other_completion_id <> completion_id",
        "left": "left_completion_id IN (completion_id, other_completion_id)",
        "whole": " AND ".join(
            f"(kind = '{kind}') = ({column} IS NOT NULL)"
            for kind, columns in has.items()
            for column in columns
        ),
        "foreign": " AND ".join(
            f"(kind = '{kind}' OR {column} IS NULL)"
            for kind, columns in may_have.items()
            for column in columns
        ),
    }


def _create_current_feedback() -> None:
    op.create_table(
        "current_feedback",
        text_column("rater_id", 36),
        text_column("completion_id", 36),
        text_column("kind", 16),
        text_column("other", 36),
        text_column("feedback_id", 36),
        sa.PrimaryKeyConstraint(
            "rater_id", "completion_id", "kind", "other", name="pk_current_feedback"
        ),
        sa.UniqueConstraint("feedback_id", name="uq_current_feedback_feedback_id"),
        reference("current_feedback", "rater_id", "accounts.id"),
        reference("current_feedback", "completion_id", "completions.id"),
        reference("current_feedback", "feedback_id", "feedback.id"),
    )
    op.create_index("ix_current_feedback_completion_id", "current_feedback", ["completion_id"])
