"""Triggers that let a table only grow, for migrations."""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op


def append_only(table: str, keys: Sequence[Sequence[str]], columns: Sequence[str] = ()) -> None:
    """Refuse to change rows of a table (these columns of it, or all) and to remove them."""
    if op.get_bind().dialect.name == "postgresql":
        _on_postgresql(table, columns)
        return
    of = f" OF {', '.join(map(_quoted, columns))}" if columns else ""
    for change, when in (("update", f"UPDATE{of}"), ("delete", "DELETE")):
        op.execute(
            f"CREATE TRIGGER {table}_no_{change} BEFORE {when} ON {table} BEGIN "
            f"SELECT RAISE(ABORT, '{table} can only grow'); END"
        )
    refuse_replacing(table, keys)


def refuse_replacing(table: str, keys: Sequence[Sequence[str]]) -> None:
    """INSERT OR REPLACE removes the row in its way without asking a trigger for DELETE."""
    same = " OR ".join(
        "(" + " AND ".join(f"{_quoted(name)} = NEW.{_quoted(name)}" for name in key) + ")"
        for key in [*keys, ["rowid"]]
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608  our names
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) BEGIN "
        f"SELECT RAISE(ABORT, '{table} can only grow'); END"
    )


def _on_postgresql(table: str, columns: Sequence[str]) -> None:
    op.execute(
        f"CREATE FUNCTION refuse_{table}_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} can only grow'; END $$"
    )
    of = f" OF {', '.join(map(_quoted, columns))}" if columns else ""
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE{of} OR DELETE OR TRUNCATE "
        f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_{table}_change()"
    )


def _quoted(name: str) -> str:
    """A column's name that may be a word of SQL's; rowid is no column."""
    return name if name == "rowid" else f'"{name}"'
