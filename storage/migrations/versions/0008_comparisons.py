"""Comparing: pairs of completions, whose hands they are in, and votes that are taken back."""

import sqlalchemy as sa
from alembic import op

from storage.migrations.columns import MOMENT, checks, id_column, numbers, reference, text_column
from storage.migrations.rules import change_rule

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

FORMER = "choice IN ('left', 'right', 'tie', 'both_bad')"
LATTER = "choice IN ('left', 'right', 'tie', 'both_bad', 'undone')"


def upgrade() -> None:
    """To this revision."""
    change_rule("feedback", "choice", FORMER, LATTER, "choices")
    _create_questions()
    _create_pairs()
    _create_comparisons()


def _create_questions() -> None:
    op.create_table(
        "worklist_questions",
        text_column("question_id", 36),
        text_column("item_id", 36),
        sa.PrimaryKeyConstraint("question_id", name="pk_worklist_questions"),
        reference("worklist_questions", "question_id", "questions.id"),
        reference("worklist_questions", "item_id", "worklist_items.id"),
    )
    op.create_index("ix_worklist_questions_item_id", "worklist_questions", ["item_id"])


def _create_pairs() -> None:
    both = ["one_completion_id", "other_completion_id"]
    rules = {
        "order": "one_completion_id < other_completion_id",
        "probability": "probability > 0 AND probability <= 1",
    }
    op.create_table(
        "worklist_pairs",
        id_column(),
        text_column("item_id", 36),
        *(text_column(name, 36) for name in both),
        text_column("plan", 32),
        *numbers("seed"),
        sa.Column("probability", sa.Double, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_worklist_pairs"),
        sa.UniqueConstraint(*both, name="uq_worklist_pairs_one_completion_id_other_completion_id"),
        reference("worklist_pairs", "item_id", "worklist_items.id"),
        *(reference("worklist_pairs", name, "completions.id") for name in both),
        *checks("worklist_pairs", rules),
    )
    for name in ("item_id", "other_completion_id"):
        op.create_index(f"ix_worklist_pairs_{name}", "worklist_pairs", [name])


def _create_comparisons() -> None:
    rules = {
        "what": "(pair_id IS NULL) <> (question_id IS NULL)",
        "round": "round >= 0",
        "skipped": "NOT skipped OR ended_at IS NOT NULL",
        "voted": "feedback_id IS NULL OR ended_at IS NOT NULL",
    }
    op.create_table(
        "comparisons",
        id_column(),
        text_column("rater_id", 36),
        text_column("pair_id", 36, null=True),
        text_column("question_id", 36, null=True),
        *numbers("round"),
        sa.Column("flipped", sa.Boolean, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("skipped", sa.Boolean, nullable=False),
        text_column("feedback_id", 36, null=True),
        sa.PrimaryKeyConstraint("id", name="pk_comparisons"),
        sa.UniqueConstraint(
            "pair_id", "rater_id", "round", name="uq_comparisons_pair_id_rater_id_round"
        ),
        sa.UniqueConstraint("question_id", "rater_id", name="uq_comparisons_question_id_rater_id"),
        reference("comparisons", "rater_id", "accounts.id"),
        reference("comparisons", "pair_id", "worklist_pairs.id"),
        reference("comparisons", "question_id", "questions.id"),
        reference("comparisons", "feedback_id", "feedback.id"),
        *checks("comparisons", rules),
    )
    op.create_index("ix_comparisons_rater_id_ended_at", "comparisons", ["rater_id", "ended_at"])
    op.create_index("ix_comparisons_feedback_id", "comparisons", ["feedback_id"])
