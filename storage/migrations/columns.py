"""Short forms for columns, constraints and indexes in migrations."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

MOMENT = sa.DateTime(timezone=True)


def id_column(name: str = "id", *, null: bool = False) -> sa.Column[str]:
    """Column of a UUID as text."""
    return sa.Column(name, sa.String(36), nullable=null)


def text_column(name: str, length: int | None = None, *, null: bool = False) -> sa.Column[str]:
    """Text column, of any length if none is given."""
    return sa.Column(name, sa.Text if length is None else sa.String(length), nullable=null)


def flag(name: str, *, null: bool = False) -> sa.Column[bool]:
    """Boolean column."""
    return sa.Column(name, sa.Boolean, nullable=null)


def moment(name: str, *, null: bool = False) -> sa.Column[Any]:
    """Column of a date and time, UTC."""
    return sa.Column(name, MOMENT, nullable=null)


def json_column(name: str, *, null: bool = False) -> sa.Column[Any]:
    """Column of a list or mapping as JSON."""
    return sa.Column(name, sa.JSON, nullable=null)


def integers(names: str, *, null: bool = False) -> list[sa.Column[int]]:
    """Integer columns, names separated by spaces."""
    return [sa.Column(name, sa.Integer, nullable=null) for name in names.split()]


def doubles(names: str, *, null: bool = False) -> list[sa.Column[float]]:
    """Floating-point columns, names separated by spaces."""
    return [sa.Column(name, sa.Double, nullable=null) for name in names.split()]


def primary_key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    """Primary key, named as by `Base`."""
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def unique(table: str, *columns: str) -> sa.UniqueConstraint:
    """Unique constraint, named as by `Base`."""
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")


def reference(
    table: str, column: str, target: str, ondelete: str | None = None
) -> sa.ForeignKeyConstraint:
    """Foreign key from a column to `table.column`."""
    return sa.ForeignKeyConstraint(
        [column], [target], name=f"fk_{table}_{column}", ondelete=ondelete
    )


def checks(table: str, rules: dict[str, str]) -> list[sa.CheckConstraint]:
    """Check constraints by name, named as by `Base`."""
    return [
        sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}")) for name, rule in rules.items()
    ]


def create_index(table: str, *columns: str) -> None:
    """Create an index, named as by `Base`."""
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)
