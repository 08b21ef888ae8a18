"""Cases, what is known of a slide besides its file, and withdrawals."""

import sqlalchemy as sa
from alembic import op

from storage.migrations.append_only import append_only
from storage.migrations.columns import MOMENT, checks, id_column, reference, text_column
from storage.migrations.withdrawable import withdrawable

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    _create_cases()
    _describe_slides()
    _create_withdrawals()
    append_only("withdrawals", [["id"]])
    for table in ("feedback", "completions", "deletion_checks"):
        withdrawable(table)


def _create_cases() -> None:
    rules = {
        "name": "name <> ''",
        "reference": "reference_source IS NULL OR reference_answer IS NOT NULL",
    }
    op.create_table(
        "cases",
        id_column(),
        text_column("name", 200),
        text_column("reference_answer", null=True),
        text_column("reference_source", 200, null=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
        sa.UniqueConstraint("name", name="uq_cases_name"),
        *checks("cases", rules),
    )


def _describe_slides() -> None:
    # one statement for both databases: Alembic adds a column and its key apart, which SQLite cannot
    op.execute(
        "ALTER TABLE slides ADD COLUMN case_id VARCHAR(36) "
        "CONSTRAINT fk_slides_case_id REFERENCES cases (id)"
    )
    op.create_index("ix_slides_case_id", "slides", ["case_id"])
    for name in ("organ", "specimen", "stain", "scanner"):
        op.add_column("slides", text_column(name, 200, null=True))


def _create_withdrawals() -> None:
    op.create_table(
        "withdrawals",
        id_column(),
        sa.Column("at", MOMENT, nullable=False),
        text_column("kind", 8),
        text_column("subject_id", 36),
        text_column("account_id", 36),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_withdrawals"),
        reference("withdrawals", "account_id", "accounts.id"),
        *checks("withdrawals", {"kind": "kind IN ('case', 'rater')"}),
    )
    op.create_index("ix_withdrawals_kind_subject_id", "withdrawals", ["kind", "subject_id"])
