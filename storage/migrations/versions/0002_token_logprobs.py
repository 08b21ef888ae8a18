"""Add the log-probabilities of a completion's tokens."""

from alembic import op

from storage.migrations.append_only import append_only_column
from storage.migrations.columns import json_column

revision = "2026_token_logprobs"
down_revision = "2026_baseline"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; like the others of a completion, it can never be changed."""
    op.add_column("completions", json_column("token_logprobs", null=True))
    append_only_column("completions", "token_logprobs")
