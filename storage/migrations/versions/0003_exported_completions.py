"""Add the completions in exported data sets."""

import sqlalchemy as sa
from alembic import op

from storage.migrations.append_only import append_only
from storage.migrations.columns import (
    checks,
    create_index,
    id_column,
    moment,
    primary_key,
    reference,
    text_column,
    unique,
)

revision = "2026_exported_completions"
down_revision = "2026_token_logprobs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; its rows go with their completions, whose triggers want a tombstone."""
    table = "exported_completions"
    op.create_table(
        table,
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        text_column("dataset_sha256", 64),
        id_column("completion_id"),
        text_column("format", 16),
        id_column("account_id", null=True),
        moment("exported_at"),
        primary_key(table, "id"),
        unique(table, "dataset_sha256", "completion_id"),
        reference(table, "completion_id", "completions.id", ondelete="CASCADE"),
        reference(table, "account_id", "accounts.id"),
        *checks(table, {"dataset_sha256": "length(dataset_sha256) = 64"}),
        sqlite_autoincrement=True,
    )
    create_index(table, "completion_id")
    append_only(
        table,
        [["id"], ["dataset_sha256", "completion_id"]],
        removable_if="NOT EXISTS (SELECT 1 FROM completions WHERE id = OLD.completion_id)",
    )
