"""Consents to the licence of labels."""

import sqlalchemy as sa
from alembic import op

from storage.migrations.append_only import append_only
from storage.migrations.columns import MOMENT, checks, id_column, reference, text_column

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "consents",
        id_column(),
        text_column("account_id", 36),
        text_column("licence", 200),
        sa.Column("agreed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
        sa.UniqueConstraint("account_id", "licence", name="uq_consents_account_id_licence"),
        reference("consents", "account_id", "accounts.id"),
        *checks("consents", {"licence": "licence <> ''"}),
    )
    append_only("consents", [["id"], ["account_id", "licence"]])
