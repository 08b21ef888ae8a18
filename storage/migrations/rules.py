"""Changing a rule of a table that has rows and triggers, for migrations."""

from __future__ import annotations

from alembic import op

from storage.errors import StorageError


def change_rule(table: str, name: str, former: str, latter: str, of_what: str) -> None:
    """Let a check of a table say something else. SQLite changes it in the text of its schema, as
    its manual has it: a new table would have to be copied, with foreign keys off."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, latter)
        return
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    changed = connection.exec_driver_sql(
        "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) "
        "WHERE type = 'table' AND name = ? AND instr(sql, ?)",
        (former, latter, table, former),
    )
    if changed.rowcount != 1:
        raise StorageError(
            f"The table {table} has not the rule for {of_what} that an earlier revision gave it, "
            "so it cannot be changed. Restore a backup, or ask for help with the file's schema."
        )
    connection.exec_driver_sql(f"PRAGMA schema_version = {int(version) + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")
