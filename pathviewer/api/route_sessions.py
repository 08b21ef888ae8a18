"""Database sessions of routes, each in a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from pathviewer.common.work_queue import READS, WRITES

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from storage.database import Database

T = TypeVar("T")


class RouteSessions:
    """Runs work with a session; raises the errors of the work and StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, work: Callable[[Session], T], account_id: str) -> T:
        """Return the result of work that only reads, queued with the account's other reads."""

        def run() -> T:
            with self._database.read_only() as session:
                return work(session)

        return await READS.run(run, account_id)

    async def write(self, work: Callable[[Session], T], account_id: str) -> T:
        """Return the result of work in one transaction, queued with the account's other writes."""

        def run() -> T:
            with self._database.session() as session:
                return work(session)

        return await WRITES.run(run, account_id)
