"""Names of tables and columns as the golden files have them, whatever they are called by now."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FILE = Path(__file__).with_name("renames.toml")


@dataclass(frozen=True)
class Renames:
    """New name to frozen name."""

    tables: Mapping[str, str] = field(default_factory=dict)
    """Of tables."""
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Of columns, by the new name of their table."""

    def table(self, name: str) -> str:
        """The frozen name of a table."""
        return self.tables.get(name, name)

    def column(self, table: str, name: str) -> str:
        """The frozen name of a column of a table, which has its new name here."""
        return self.columns.get(table, {}).get(name, name)

    def sql(self, table: str, text: str) -> str:
        """A piece of SQL about a table, or the name of a constraint, in frozen names."""
        names = {**self.tables, **self.columns.get(table, {})}
        for new in sorted(names, key=len, reverse=True):
            text = re.sub(rf"(?<![a-z0-9]){re.escape(new)}(?![a-z0-9])", names[new], text)
        return text


def read_renames(path: Path = FILE) -> Renames:
    """The committed mapping."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return Renames(table.get("tables", {}), table.get("columns", {}))
