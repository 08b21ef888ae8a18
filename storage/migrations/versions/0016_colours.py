"""Whether the picture that a model saw was corrected by the slide's colour profile."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.add_column("questions", sa.Column("colours", sa.JSON))
