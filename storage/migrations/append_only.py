"""Triggers for append-only tables, for migrations."""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op


def append_only(
    table: str,
    keys: Sequence[Sequence[str]],
    *,
    columns: Sequence[str] = (),
    removable_if: str = "",
) -> None:
    """Refuse updates of a table's rows (of `columns`, or of all) and their removal.

    `keys` lists the columns of each unique key. A row `OLD` may be removed if the SQL condition
    `removable_if` holds; without a condition, never.
    """
    of = f" OF {', '.join(map(_quoted, columns))}" if columns else ""
    if op.get_bind().dialect.name == "postgresql":
        _protect_on_postgresql(table, of, removable_if)
    else:
        _protect_on_sqlite(table, of, removable_if)
        _refuse_replace(table, keys)


def append_only_column(table: str, column: str) -> None:
    """Refuse updates of a column that was added to an append-only table with mutable columns."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_{column}_append_only BEFORE UPDATE OF {_quoted(column)} "
            f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_{table}_change()"
        )
    else:
        op.execute(
            f"CREATE TRIGGER {table}_{column}_no_update BEFORE UPDATE OF {_quoted(column)} "
            f"ON {table} BEGIN SELECT RAISE(ABORT, '{table} can only grow'); END"
        )


def _protect_on_sqlite(table: str, of: str, removable_if: str) -> None:
    unless = f" WHEN NOT {removable_if}" if removable_if else ""
    for change, event in (
        ("update", f"UPDATE{of} ON {table}"),
        ("delete", f"DELETE ON {table}{unless}"),
    ):
        op.execute(
            f"CREATE TRIGGER {table}_no_{change} BEFORE {event} BEGIN "
            f"SELECT RAISE(ABORT, '{table} can only grow'); END"
        )


def _refuse_replace(table: str, keys: Sequence[Sequence[str]]) -> None:
    """Refuse INSERT OR REPLACE, which removes the existing row without firing a DELETE trigger."""
    same = " OR ".join(
        "(" + " AND ".join(f"{_quoted(name)} = NEW.{_quoted(name)}" for name in key) + ")"
        for key in [*keys, ["rowid"]]
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608  our names
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) BEGIN "
        f"SELECT RAISE(ABORT, '{table} can only grow'); END"
    )


def _protect_on_postgresql(table: str, of: str, removable_if: str) -> None:
    op.execute(
        f"CREATE FUNCTION refuse_{table}_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} can only grow'; END $$"
    )
    delete = "" if removable_if else " OR DELETE"
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE{of}{delete} OR TRUNCATE "
        f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_{table}_change()"
    )
    if not removable_if:
        return
    op.execute(
        f"CREATE FUNCTION refuse_{table}_delete() RETURNS trigger "
        f"LANGUAGE plpgsql AS $$ BEGIN IF {removable_if} THEN RETURN OLD; END IF; "
        f"RAISE EXCEPTION '{table} can only grow'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION refuse_{table}_delete()"
    )


def _quoted(name: str) -> str:
    """Quote a column name that may be an SQL keyword; rowid is not a column."""
    return name if name == "rowid" else f'"{name}"'
