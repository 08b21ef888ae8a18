"""Logins that have ended, also where the database cannot be told at that moment."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pathviewer.auth.secrets import token_hash
from storage.audit import record
from storage.errors import StorageError
from storage.sessions import delete_session

if TYPE_CHECKING:
    from storage.database import Database

log = logging.getLogger("pathviewer")


@dataclass(frozen=True)
class EndedLogin:
    """A login that somebody has ended."""

    token_hash: str
    """Of its token, as the database has it."""

    account_id: str
    """Whose it was."""

    name: str
    """The account's name."""


class EndedLogins:
    """A logout holds at once; a database that refuses it is told again. Used from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._left: dict[str, EndedLogin] = {}

    def end(self, token: str, account_id: str, name: str) -> None:
        """Believe the token no more; `store` tells the database."""
        ended = EndedLogin(token_hash(token), account_id, name)
        with self._lock:
            self._left[ended.token_hash] = ended

    def holds(self, token: bytes) -> bool:
        """Whether that login has ended and the database may not know it."""
        return bool(self._left) and token_hash(token.decode()) in self._left

    def store(self) -> None:
        """Tell the database; what it refuses is kept for the next time."""
        for ended in list(self._left.values()):
            try:
                with self._database.session() as session:
                    delete_session(session, ended.token_hash)
                    record(session, ended.account_id, "logout", ended.name)
            except StorageError as error:
                log.warning("A logout holds, but could not be stored yet: %s", error)
                return
            with self._lock:
                self._left.pop(ended.token_hash, None)
