"""The database as text: schema and rows, in frozen names, all of it sorted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import DateTime, Engine, Inspector, create_engine, inspect, text

from tests.golden.renames import Renames
from tests.golden.volatile import Volatile

HISTORY = "alembic_version"
"""Says which migration came last; migrations may be merged without a change of the schema."""
Row = Mapping[Any, Any]


def dump_database(url: str, volatile: Volatile, renames: Renames) -> dict[str, str]:
    """`schema.json` and a JSON Lines file for each table that has rows."""
    engine = create_engine(url)
    look = inspect(engine)
    tables = sorted(set(look.get_table_names()) - {HISTORY}, key=renames.table)
    dump = Dump(engine, look, volatile, renames)
    schema = {renames.table(table): dump.schema(table) for table in tables}
    files = {"database/schema.json": json.dumps(schema, indent=1, sort_keys=True) + "\n"}
    for table in tables:
        frozen_name = renames.table(table)
        volatile.step = f"table {frozen_name}"
        files[f"database/{frozen_name}.jsonl"] = "".join(dump.rows(table))
    engine.dispose()
    return files


class Dump:
    """Reads one database."""

    def __init__(
        self, engine: Engine, look: Inspector, volatile: Volatile, renames: Renames
    ) -> None:
        self._engine, self._look = engine, look
        self._volatile, self._renames = volatile, renames

    def schema(self, table: str) -> dict[str, Any]:
        """Columns, constraints, indexes and triggers of a table."""
        look, names = self._look, self._renames
        columns = {
            names.column(table, column["name"]): column_sentence(column)
            for column in look.get_columns(table)
        }
        key = look.get_pk_constraint(table)["constrained_columns"]
        return {
            "columns": columns,
            "primary_key": [names.column(table, name) for name in key],
            "foreign_keys": sorted(map(self._foreign_key(table), look.get_foreign_keys(table))),
            "unique": sorted(map(self._index(table), look.get_unique_constraints(table))),
            "checks": sorted(map(self._check(table), look.get_check_constraints(table))),
            "indexes": self._definitions(table, "index"),
            "triggers": self._definitions(table, "trigger"),
        }

    def rows(self, table: str) -> Iterator[str]:
        """Each row as a line of JSON, columns by their frozen names."""
        columns = {column["name"]: column["type"] for column in self._look.get_columns(table)}
        times = [name for name, kind in columns.items() if isinstance(kind, DateTime)]
        order = sorted(times, key=lambda name: self._renames.column(table, name))
        key = self._look.get_pk_constraint(table)["constrained_columns"]
        with self._engine.connect() as connection:
            matches = connection.execute(text(f'SELECT * FROM "{table}"')).mappings().all()  # noqa: S608
        for row in sorted(matches, key=self._place(key, order)):
            cells = {
                self._renames.column(table, name): parsed(value, str(columns[name]))
                for name, value in row.items()
            }
            line = self._volatile.value(cells)
            yield json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n"

    def _place(self, key: Sequence[str], times: Sequence[str]) -> Callable[[Row], Any]:
        """Where a row stands: by its key if that is steady, else by its times."""

        def place(row: Row) -> Any:
            values = [row[name] for name in key]
            if all(isinstance(value, int) for value in values):
                return (0, values, "")
            steady = all(len(str(value)) < 32 or self._volatile.knows(value) for value in values)
            return (1, [], str(values)) if steady else (2, [], str([row[name] for name in times]))

        return place

    def _foreign_key(self, table: str) -> Callable[[Row], str]:
        def sentence(key: Row) -> str:
            names, other = self._renames, key["referred_table"]
            own = ", ".join(names.column(table, name) for name in key["constrained_columns"])
            its = ", ".join(names.column(other, name) for name in key["referred_columns"])
            options = "".join(f" {name} {value}" for name, value in sorted(key["options"].items()))
            return f"{own} -> {names.table(other)} ({its}){options}"

        return sentence

    def _index(self, table: str) -> Callable[[Row], str]:
        names = self._renames
        return lambda unique: ", ".join(
            names.column(table, name) for name in unique["column_names"]
        )

    def _check(self, table: str) -> Callable[[Row], str]:
        return lambda check: self._renames.sql(
            table, f"{check['name']}: {one_line(check['sqltext'])}"
        )

    def _definitions(self, table: str, kind: str) -> list[str]:
        """SQL of indexes or triggers, in one line each."""
        query = text("SELECT sql FROM sqlite_master WHERE type = :kind AND tbl_name = :table")
        with self._engine.connect() as connection:
            matches = connection.execute(query, {"kind": kind, "table": table}).scalars()
            return sorted(self._renames.sql(table, one_line(sql)) for sql in matches if sql)


def column_sentence(column: Mapping[str, Any]) -> str:
    """A column's type, whether it may be NULL, and its default."""
    needed = "" if column["nullable"] else " NOT NULL"
    default = "" if column["default"] is None else f" DEFAULT {column['default']}"
    return f"{column['type']}{needed}{default}"


def parsed(value: Any, kind: str) -> Any:
    """JSON as a value, pickled and packed bytes by their length."""
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    return json.loads(value) if kind == "JSON" and value is not None else value


def one_line(sql: str) -> str:
    """SQL without line breaks and quotes of names, which differ by how a table was made."""
    return re.sub(r"\s+", " ", sql).strip().replace('"', "")
