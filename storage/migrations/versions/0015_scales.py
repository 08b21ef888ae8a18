"""Scales that people entered for slides, as a history, and the scale that a question was asked at.

What was entered before becomes the first entry of the slide's history. Its moment is that of the
audit log's newest entry about it; where there is none, it is unknown.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from storage.migrations.append_only import append_only
from storage.migrations.columns import MOMENT, checks, reference, text_column

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_SIDES = ("mpp_x", "mpp_y", "claimed_x", "claimed_y")
_SLIDES = sa.table("slides", *map(sa.column, ("id", "mpp_by_hand", "mpp_by_hand_account_id")))
_AUDIT = sa.table(
    "audit_entries",
    sa.column("id"),
    sa.column("at", MOMENT),
    sa.column("action"),
    sa.column("subject"),
    sa.column("detail", sa.JSON),
)


def upgrade() -> None:
    """To this revision."""
    entries = op.create_table(
        "scale_entries",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        text_column("slide_id", 36),
        text_column("account_id", 36),
        sa.Column("entered_at", MOMENT),
        *(sa.Column(side, sa.Double) for side in _SIDES),
        sa.Column("line", sa.JSON),
        sa.PrimaryKeyConstraint("id", name="pk_scale_entries"),
        reference("scale_entries", "slide_id", "slides.id"),
        reference("scale_entries", "account_id", "accounts.id"),
        *checks(
            "scale_entries",
            {
                "mpp": "mpp_x > 0 AND mpp_y > 0",
                "both_axes": "(mpp_x IS NULL) = (mpp_y IS NULL)",
                "line": "line IS NULL OR mpp_x IS NOT NULL",
            },
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_scale_entries_slide_id", "scale_entries", ["slide_id"])
    op.add_column("questions", sa.Column("scale", sa.JSON))
    rows = _entered_before()
    if rows:
        op.bulk_insert(entries, rows)
    append_only("scale_entries", [["id"]])


def _entered_before() -> list[dict[str, Any]]:
    connection = op.get_bind()
    known = _SLIDES.c.mpp_by_hand.is_not(None), _SLIDES.c.mpp_by_hand_account_id.is_not(None)
    return [
        {
            "slide_id": slide.id,
            "account_id": slide.mpp_by_hand_account_id,
            "entered_at": _moment(connection, slide.id),
            "mpp_x": slide.mpp_by_hand,
            "mpp_y": slide.mpp_by_hand,
        }
        for slide in connection.execute(sa.select(_SLIDES).where(*known)).all()
    ]


def _moment(connection: sa.Connection, slide_id: str) -> datetime | None:
    """When the audit log last says that somebody entered the scale of a slide."""
    of_slide = _AUDIT.c.action == "describe_slide", _AUDIT.c.subject == slide_id
    found = connection.execute(
        sa.select(_AUDIT.c.at, _AUDIT.c.detail).where(*of_slide).order_by(_AUDIT.c.id.desc())
    )
    for at, detail in found:
        if detail.get("mpp") is not None:
            moment: datetime = at
            return moment
    return None
