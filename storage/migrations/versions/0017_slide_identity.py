"""What a slide could be told by when it was asked about."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.add_column("questions", sa.Column("slide_identity", sa.JSON))
