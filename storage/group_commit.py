"""Many writers, one commit: what waits together is brought to the disk together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from storage.database import Database
from storage.errors import StorageError, explain

T = TypeVar("T")
MOST = 64
"""Works of one transaction; the next one begins another, so that none waits for ever."""


class GroupWriter:
    """Short writing works of many threads, each all or nothing, committed in groups.

    A work that comes while another is at it, or while the disk is busy, joins those that wait; the
    last of them commits for all. So a lone writer commits at once. No thread of its own.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = threading.Lock()  # held by whoever works in the transaction
        self._count = threading.Lock()
        self._waiting = 0
        self._group: _Group | None = None
        self._refused: tuple[float, StorageError] | None = None

    def write(self, work: Callable[[Session], T]) -> T:
        """What the work returns, once it is on the disk.

        An error of the work undoes it alone and is raised as it is. Raises StorageError where the
        database cannot be written: then nothing of the group was saved.
        """
        came = time.monotonic()
        with self._count:
            self._waiting += 1
        with self._turn:
            with self._count:
                self._waiting -= 1
            group = self._group = self._group or self._begin(came)
            try:
                result = group.run(work)
            finally:
                if group.broken or group.works >= MOST or not self._waiting:
                    self._group = None
                    group.finish()
        group.wait()
        return result

    def _begin(self, came: float) -> _Group:
        """A new group; whoever waited while one could not be begun is not to wait as long again."""
        if self._refused is not None and came < self._refused[0]:
            raise self._refused[1]
        try:
            return _Group(self._database)
        except StorageError as error:
            self._refused = time.monotonic(), error
            raise


class _Group:
    """Works of one transaction."""

    def __init__(self, database: Database) -> None:
        self.works = 0
        self._failure: StorageError | None = None
        self._finished = threading.Event()
        with ExitStack() as stack:
            # takes the lock for writing
            self._connection = stack.enter_context(database.session()).connection()
            self._transaction = stack.pop_all()

    @property
    def broken(self) -> bool:
        """Whether the whole transaction is to be undone."""
        return self._failure is not None

    def run(self, work: Callable[[Session], T]) -> T:
        """Do one work in a savepoint, with a session of its own."""
        self.works += 1
        try:
            with (
                Session(
                    self._connection,
                    expire_on_commit=False,
                    join_transaction_mode="create_savepoint",
                ) as session,
                session.begin(),
            ):
                return work(session)
        except DBAPIError as error:
            failure = StorageError(explain(error))
            if not isinstance(error, IntegrityError):
                # a full disk or a lost connection may have ended the transaction: no part of it
                # can be relied on
                self._failure = failure
            raise failure from error

    def finish(self) -> None:
        """Commit, or undo everything if the transaction is broken; `wait` tells which."""
        try:
            with self._transaction:
                if self._failure is not None:
                    raise self._failure
        except StorageError as error:
            self._failure = self._failure or error
        finally:
            self._finished.set()

    def wait(self) -> None:
        """Until the group is on the disk; raises StorageError if it is not."""
        self._finished.wait()
        if self._failure is not None:
            raise StorageError(str(self._failure))
