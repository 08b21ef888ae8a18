"""Which program writes a reading's answers."""

from alembic import op

from storage.migrations.columns import text_column

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.add_column("questions", text_column("writer", 300, null=True))
