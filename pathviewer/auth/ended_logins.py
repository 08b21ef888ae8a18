"""Ended logins, including those that the database could not record yet."""

from __future__ import annotations

import json
import logging
import os
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pathviewer.auth.credentials import token_hash
from pathviewer.common.periodic import PeriodicTask
from storage.accounts.sessions import delete_session
from storage.audit import add_entry
from storage.errors import StorageError
from storage.private_files import open_private

if TYPE_CHECKING:
    from pathlib import Path

    from storage.database import Database

log = logging.getLogger("pathviewer")

AGAIN_SECONDS = 30.0
"""Interval of retries after the database refused a logout, s."""


@dataclass(frozen=True)
class EndedLogin:
    """A login that was ended."""

    token_hash: str
    """Hash of its token, as stored in the database."""

    account_id: str
    """Id of its account."""

    name: str
    """Name of its account."""


class EndedLogins(PeriodicTask):
    """Makes a logout effective at once and across restarts, and retries refused writes.

    May be used from any thread.
    """

    def __init__(self, database: Database, file: Path | None = None) -> None:
        """Take a file for logouts that the database does not have yet; `None` uses memory only."""
        super().__init__("ended-logins", AGAIN_SECONDS)
        self._database = database
        self._file = file
        self._lock = threading.Lock()
        self._unstored = {ended.token_hash: ended for ended in _load(file)}

    def end(self, token: str, account_id: str, name: str) -> None:
        """Reject the token from now on; `store` writes this to the database."""
        ended = EndedLogin(token_hash(token), account_id, name)
        with self._lock:
            self._unstored[ended.token_hash] = ended

    def holds(self, token: bytes) -> bool:
        """Return whether that login has ended but may still be in the database."""
        return bool(self._unstored) and token_hash(token.decode()) in self._unstored

    def store(self) -> None:
        """Write to the database; what it refuses goes to the file and is retried later."""
        for ended in list(self._unstored.values()):
            try:
                with self._database.session() as session:
                    delete_session(session, ended.token_hash)
                    add_entry(session, ended.account_id, "logout", ended.name)
            except StorageError as error:
                log.warning("A logout is effective but could not be stored yet: %s", error)
                break
            with self._lock:
                self._unstored.pop(ended.token_hash, None)
        self._save()

    def work(self) -> None:
        """Retry what is left."""
        if self._unstored:
            self.store()

    def _save(self) -> None:
        if self._file is None:
            return
        with self._lock:
            text = json.dumps([asdict(ended) for ended in self._unstored.values()])
            try:
                if not self._unstored:
                    self._file.unlink(missing_ok=True)
                    return
                with open_private(self._file, "wb") as file:
                    file.write(text.encode())
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                log.warning("A logout is in memory only: %s.", error.strerror)


def _load(file: Path | None) -> list[EndedLogin]:
    """Return a file's logouts; empty if the file is missing or damaged."""
    if file is not None:
        with suppress(OSError, ValueError, TypeError):
            return [EndedLogin(**entry) for entry in json.loads(file.read_bytes())]
    return []
