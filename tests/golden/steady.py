"""Ids, times and lots that are the same, or in the same order, in every run of the scenario.

Worklists and exports draw lots from ids, so ids are numbered by table; times of rows rise
strictly, so that no two are equal by chance.
"""

from __future__ import annotations

import secrets
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import pytest
from sqlalchemy import Column, DateTime, TypeDecorator

from storage.tables import Base
from tests.golden.renames import Renames

TICK = timedelta(microseconds=1)


class NumberedIds:
    """Ids of rows: the table and a number, in the form of a UUID."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        """Name of every id that was given out, such as `<slides 2>`."""
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def next(self, table: str) -> str:
        """The next id of a table, by its frozen name."""
        with self._lock:
            self._counts[table] += 1
            number = self._counts[table]
            row_id = f"{zlib.crc32(table.encode()):08x}-0000-4000-8000-{number:012d}"
            self.names[row_id] = f"<{table} {number}>"
            return row_id


class RisingClock:
    """The present moment, later than at any call before."""

    def __init__(self) -> None:
        self._last = datetime.min.replace(tzinfo=UTC)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """UTC."""
        with self._lock:
            self._last = max(datetime.now(UTC), self._last + TICK)
            return self._last


@contextmanager
def steady_defaults(renames: Renames) -> Iterator[NumberedIds]:
    """Replace what is random in defaults of columns, and the lot that turns the sides of a pair."""
    ids, clock, turns = NumberedIds(), RisingClock(), cycle((1, 0, 0, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "randbelow", lambda _most: next(turns))
        for table in Base.metadata.sorted_tables:
            frozen_name = renames.table(table.name)
            for column in table.columns:
                new_default = replacement(column, frozen_name, ids, clock)
                if new_default is not None:
                    patch.setattr(column.default, "arg", new_default)
        yield ids


def replacement(
    column: Column[Any], table: str, ids: NumberedIds, clock: RisingClock
) -> Callable[[Any], Any] | None:
    """What to call for a column's default instead; None where the default is steady already."""
    if column.default is None or not column.default.is_callable:
        return None
    kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    if isinstance(kind, DateTime):
        return lambda _context: clock.now()
    if column.primary_key:
        return lambda _context: ids.next(table)
    return None
