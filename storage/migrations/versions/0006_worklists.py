"""Worklists: items with frozen completions, and turns of judging them."""

import sqlalchemy as sa
from alembic import op

from storage.migrations.columns import MOMENT, checks, id_column, numbers, reference, text_column

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    _create_worklists()
    _create_items()
    _create_turns()


def _create_worklists() -> None:
    rules = {
        "name": "name <> ''",
        "overlap": "overlap BETWEEN 0 AND 1",
        "repeats": "repeats BETWEEN 0 AND 1",
    }
    op.create_table(
        "worklists",
        id_column(),
        text_column("name", 200),
        sa.Column("blind", sa.Boolean, nullable=False),
        sa.Column("teaching", sa.Boolean, nullable=False),
        sa.Column("overlap", sa.Double, nullable=False),
        sa.Column("repeats", sa.Double, nullable=False),
        text_column("account_id", 36),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_worklists"),
        sa.UniqueConstraint("name", name="uq_worklists_name"),
        reference("worklists", "account_id", "accounts.id"),
        *checks("worklists", rules),
    )


def _create_items() -> None:
    op.create_table(
        "worklist_items",
        id_column(),
        text_column("worklist_id", 36),
        *numbers("position"),
        text_column("slide_id", 36),
        *numbers("x y width height"),
        text_column("question"),
        sa.Column("options", sa.JSON, nullable=False),
        text_column("task", 200, null=True),
        text_column("reference_answer", null=True),
        text_column("question_id", 36, null=True),
        sa.PrimaryKeyConstraint("id", name="pk_worklist_items"),
        sa.UniqueConstraint(
            "worklist_id", "position", name="uq_worklist_items_worklist_id_position"
        ),
        sa.UniqueConstraint("question_id", name="uq_worklist_items_question_id"),
        reference("worklist_items", "worklist_id", "worklists.id"),
        reference("worklist_items", "slide_id", "slides.id"),
        reference("worklist_items", "question_id", "questions.id"),
        *checks("worklist_items", {"size": "width > 0 AND height > 0"}),
    )
    op.create_index("ix_worklist_items_slide_id", "worklist_items", ["slide_id"])


def _create_turns() -> None:
    rules = {
        "round": "round >= 0",
        "first_answer": "(first_answer IS NULL) = (first_answer_at IS NULL)",
        "first_confidence": "first_confidence IS NULL OR "
        "(first_confidence BETWEEN 1 AND 5 AND first_answer IS NOT NULL)",
        "skipped": "NOT skipped OR ended_at IS NOT NULL",
    }
    op.create_table(
        "worklist_assignments",
        id_column(),
        text_column("item_id", 36),
        text_column("rater_id", 36),
        *numbers("round"),
        sa.Column("started_at", MOMENT, nullable=False),
        text_column("first_answer", null=True),
        *numbers("first_confidence", null=True),
        sa.Column("first_answer_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("skipped", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_worklist_assignments"),
        sa.UniqueConstraint(
            "item_id", "rater_id", "round", name="uq_worklist_assignments_item_id_rater_id_round"
        ),
        reference("worklist_assignments", "item_id", "worklist_items.id"),
        reference("worklist_assignments", "rater_id", "accounts.id"),
        *checks("worklist_assignments", rules),
    )
    op.create_index(
        "ix_worklist_assignments_rater_id_ended_at",
        "worklist_assignments",
        ["rater_id", "ended_at"],
    )
