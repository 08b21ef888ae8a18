"""Group commit: pending writes share one transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from storage.database import Database
from storage.errors import StorageError, explain_error

T = TypeVar("T")
LARGEST_GROUP = 64
"""Most jobs per transaction; further jobs go into the next one, which bounds the wait."""
_ERRORS_OF_ONE_REQUEST = (IntegrityError, DataError, ProgrammingError)
"""The transaction survives these; a full disk or a lost connection may have ended it."""


@dataclass(frozen=True)
class _WriteRequest:
    """A write job and the future for its result."""

    work: Callable[[Session], Any]
    """The job."""

    future: Future[Any] = field(default_factory=Future)
    """Resolved once the job is committed."""


class GroupWriter:
    """Run short write jobs, each atomic, in a thread of its own.

    Jobs that arrive during a commit form the next group, so a single job is committed at once and
    many share a commit. One thread runs them all, because handing a transaction between threads
    took longer than the jobs. The thread ends when idle, and the next job starts another.
    """

    def __init__(self, database: Database, idle_seconds: float = 30.0) -> None:
        self._database = database
        self._idle_seconds = idle_seconds
        self._jobs: SimpleQueue[_WriteRequest] = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def write(self, work: Callable[[Session], T]) -> T:
        """Run a job and return its result once it is committed.

        An error of the job rolls back that job alone and is raised unchanged. Raises StorageError
        if the database cannot be written; then nothing of the group was saved.
        """
        return self.submit(work).result()

    def submit(self, work: Callable[[Session], T]) -> Future[T]:
        """Like `write`, without waiting for the commit."""
        job = _WriteRequest(work)
        self._jobs.put(job)
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="writer")
                self._thread.start()
        return job.future

    def _run(self) -> None:
        while True:
            group = list(self._next())
            if group:
                self._write([job for job in group if job.future.set_running_or_notify_cancel()])
                continue
            with self._starting:
                if self._jobs.empty():
                    self._thread = None
                    return

    def _next(self) -> Iterator[_WriteRequest]:
        """Wait for a job, then take the other pending ones; yield nothing after an idle timeout."""
        try:
            yield self._jobs.get(timeout=self._idle_seconds)
            for _ in range(LARGEST_GROUP - 1):
                yield self._jobs.get_nowait()
        except Empty:
            return

    def _write(self, group: Sequence[_WriteRequest]) -> None:
        """Run the jobs in one transaction and resolve their futures."""
        done: list[tuple[Future[Any], Any]] = []
        try:
            with self._database.session() as session:
                connection = session.connection()  # takes the write lock
                for job in group:
                    _run_in_savepoint(connection, job, done)
        except StorageError as error:
            for job in group:
                if not job.future.done():
                    job.future.set_exception(StorageError(str(error)))
        for future, result in done:
            if not future.done():
                future.set_result(result)


def _run_in_savepoint(
    connection: Connection, job: _WriteRequest, done: list[tuple[Future[Any], Any]]
) -> None:
    """Run one job in a savepoint with its own session; raises errors that break the whole group."""
    try:
        with (
            Session(
                connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
            ) as session,
            session.begin(),
        ):
            result = job.work(session)
    except _ERRORS_OF_ONE_REQUEST as error:
        failure = StorageError(explain_error(error))
        failure.__cause__ = error
        job.future.set_exception(failure)
    except DBAPIError as error:
        raise StorageError(explain_error(error)) from error
    except Exception as error:  # noqa: BLE001  it is raised again where the job is waited for
        job.future.set_exception(error)
    else:
        done.append((job.future, result))
