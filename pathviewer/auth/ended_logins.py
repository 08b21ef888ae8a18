"""Logins that have ended, also where the database cannot be told at that moment."""

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
"""How often a database that refused a logout is asked again."""


@dataclass(frozen=True)
class EndedLogin:
    """A login that somebody has ended."""

    token_hash: str
    """Of its token, as the database has it."""

    account_id: str
    """Whose it was."""

    name: str
    """The account's name."""


class EndedLogins(PeriodicTask):
    """A logout holds at once, also after a restart; a database that refuses it is asked again.

    Used from any thread.
    """

    def __init__(self, database: Database, file: Path | None = None) -> None:
        """`file` keeps what the database does not know yet; `None` keeps it in memory alone."""
        super().__init__("ended-logins", AGAIN_SECONDS)
        self._database = database
        self._file = file
        self._lock = threading.Lock()
        self._unstored = {ended.token_hash: ended for ended in _load(file)}

    def end(self, token: str, account_id: str, name: str) -> None:
        """Believe the token no more; `store` tells the database."""
        ended = EndedLogin(token_hash(token), account_id, name)
        with self._lock:
            self._unstored[ended.token_hash] = ended

    def holds(self, token: bytes) -> bool:
        """Whether that login has ended and the database may not know it."""
        return bool(self._unstored) and token_hash(token.decode()) in self._unstored

    def store(self) -> None:
        """Tell the database; what it refuses is written to the file, and tried again later."""
        for ended in list(self._unstored.values()):
            try:
                with self._database.session() as session:
                    delete_session(session, ended.token_hash)
                    add_entry(session, ended.account_id, "logout", ended.name)
            except StorageError as error:
                log.warning("A logout holds, but could not be stored yet: %s", error)
                break
            with self._lock:
                self._unstored.pop(ended.token_hash, None)
        self._save()

    def work(self) -> None:
        """Try again what is left."""
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
                log.warning("A logout is kept in memory alone: %s.", error.strerror)


def _load(file: Path | None) -> list[EndedLogin]:
    """What a file holds; nothing if there is none or it is damaged."""
    if file is not None:
        with suppress(OSError, ValueError, TypeError):
            return [EndedLogin(**entry) for entry in json.loads(file.read_bytes())]
    return []
