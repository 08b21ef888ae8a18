"""Uploads, what their senders call them, and which DICOM files a slide has."""

import sqlalchemy as sa
from alembic import op

from storage.migrations.columns import MOMENT, checks, reference, text_column

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "uploads",
        text_column("id", 32),
        text_column("account_id", 36),
        text_column("file_name", 255),
        sa.Column("byte_count", sa.BigInteger, nullable=False),
        text_column("folder_id", 32),
        text_column("series", 64, null=True),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("arrived_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
        reference("uploads", "account_id", "accounts.id"),
        *checks("uploads", {"byte_count": "byte_count > 0"}),
    )
    for column in ("arrived_at", "series"):
        op.create_index(f"ix_uploads_account_id_{column}", "uploads", ["account_id", column])
    op.create_index("ix_regions_account_id", "regions", ["account_id"])
    op.add_column("slides", text_column("file_name", 255, null=True))
    op.add_column("slides", sa.Column("instances", sa.JSON))
