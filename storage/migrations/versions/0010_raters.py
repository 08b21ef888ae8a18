"""Which accounts judge; the others see what all said."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    judges = sa.Column("rater", sa.Boolean, nullable=False, server_default=sa.true())
    op.add_column("accounts", judges)
