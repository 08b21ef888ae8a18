"""Indexes that statistics are computed from, and what judges that are programs found."""

import sqlalchemy as sa
from alembic import op

from storage.migrations.columns import MOMENT, checks, id_column, text_column

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    # covers what verdicts are counted from; its beginning finds labels and preferences
    said = ["kind", "completion_id", "rater_id", "verdict", "confidence", "created_at", "id"]
    op.create_index("ix_feedback_statistics", "feedback", said)
    # the former index with the time spent at its end
    op.drop_index("ix_feedback_completion_id_rater_id", "feedback")
    op.create_index(
        "ix_feedback_completion_id_rater_id_seconds",
        "feedback",
        ["completion_id", "rater_id", "seconds"],
    )
    # their rows are long, and all that is wanted of them is what they belong to
    op.create_index("ix_completions_id_question_id", "completions", ["id", "question_id"])
    op.create_index(
        "ix_questions_id_slide_id_model_task", "questions", ["id", "slide_id", "model", "task"]
    )
    _create_judge_labels()


def _create_judge_labels() -> None:
    op.create_table(
        "judge_labels",
        id_column(),
        text_column("completion_id", 36),
        text_column("judge", 200),
        sa.Column("events", sa.JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_judge_labels"),
        sa.UniqueConstraint("completion_id", "judge", name="uq_judge_labels_completion_id_judge"),
        sa.ForeignKeyConstraint(
            ["completion_id"],
            ["completions.id"],
            name="fk_judge_labels_completion_id",
            ondelete="CASCADE",
        ),
        *checks("judge_labels", {"judge": "judge <> ''"}),
    )
