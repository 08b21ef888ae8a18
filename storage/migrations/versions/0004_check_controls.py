"""Add how a deletion check masked, with its controls, and the file of a completion's evidence."""

import sqlalchemy as sa
from alembic import op

from storage.migrations.columns import (
    checks,
    create_index,
    json_column,
    moment,
    primary_key,
    text_column,
)

revision = "2026_check_controls"
down_revision = "2026_exported_completions"
branch_labels = None
depends_on = None

BLOB_RULES = {
    "kind": "kind IN ('pixels', 'attention', 'evidence')",
    "sha256": "length(sha256) = 64",
    "byte_count": "byte_count > 0",
}


def upgrade() -> None:
    """Mark stored checks as grey, version 1, and allow files of evidence."""
    # defaults describe the stored rows, which no statement may update
    op.add_column(
        "deletion_checks", sa.Column("fill", sa.String(32), nullable=False, server_default="grey")
    )
    op.add_column(
        "deletion_checks", sa.Column("version", sa.Integer, nullable=False, server_default="1")
    )
    op.add_column("deletion_checks", json_column("controls", null=True))
    _allow_evidence()
    # as SQL, because SQLite adds a foreign key only together with its column
    op.execute(
        "ALTER TABLE completions ADD COLUMN evidence_sha256 VARCHAR(64) "
        "CONSTRAINT fk_completions_evidence_sha256 REFERENCES blobs (sha256)"
    )
    create_index("completions", "evidence_sha256")


def _allow_evidence() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("ck_blobs_kind", "blobs")
        op.create_check_constraint(op.f("ck_blobs_kind"), "blobs", BLOB_RULES["kind"])
        return
    # SQLite cannot change a rule. Rows that refer to the files wait for the new table until the
    # end of the transaction; renaming a table into its place would leave them waiting.
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.execute("CREATE TEMPORARY TABLE stored_blobs AS SELECT * FROM blobs")
    op.drop_table("blobs")
    op.create_table(
        "blobs",
        text_column("sha256", 64),
        text_column("kind", 16),
        text_column("media_type", 100),
        sa.Column("byte_count", sa.BigInteger, nullable=False),
        moment("created_at"),
        moment("removed_at", null=True),
        primary_key("blobs", "sha256"),
        *checks("blobs", BLOB_RULES),
    )
    create_index("blobs", "kind", "created_at")
    op.execute("INSERT INTO blobs SELECT * FROM stored_blobs")
    op.drop_table("stored_blobs")
