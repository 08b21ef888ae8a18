"""Short ways to write the columns and rules of a migration's tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

MOMENT = sa.DateTime(timezone=True)


def id_column() -> sa.Column[str]:
    """A UUID as text."""
    return sa.Column("id", sa.String(36), nullable=False)


def text_column(name: str, length: int | None = None, *, null: bool = False) -> sa.Column[str]:
    """Text, of any length if none is given."""
    return sa.Column(name, sa.Text if length is None else sa.String(length), nullable=null)


def numbers(names: str, *, null: bool = False) -> list[sa.Column[int]]:
    """Whole numbers, their names separated by spaces."""
    return [sa.Column(name, sa.Integer, nullable=null) for name in names.split()]


def reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    """A foreign key of a column to `table.column`."""
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def checks(table: str, rules: dict[str, str]) -> list[sa.CheckConstraint]:
    """Rules by name, as `Base` names them."""
    return [
        sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}")) for name, rule in rules.items()
    ]
