"""Whether the clock can be believed, before data is removed because of its age."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from pathviewer.operations import user_messages
from storage.questions.retention import find_newest_row
from storage.tables import now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from storage.database import Database

MOST_AHEAD = timedelta(days=7)
"""The clock may be this far ahead of the newest row; what is removed may be as much too young."""
LEAST_AGE = timedelta(days=1)
"""Younger rows do not count: a clock that has jumped dates them, too."""


class ClockCheck:
    """Compares the clock with the newest row of the database.

    Once they have agreed, the monotonic clock vouches for the clock, so that a server that nobody
    uses still removes what has expired.
    """

    def __init__(
        self,
        clock: Callable[[], datetime] = now,
        elapsed_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._elapsed_seconds = elapsed_seconds
        self._agreed: tuple[datetime, float] | None = None

    def refusal(self, database: Database) -> str:
        """Return why nothing may be removed; empty if the clock can be believed.

        Raises StorageError.
        """
        at, seconds = self._clock(), self._elapsed_seconds()
        if self._agreed is not None:
            since, then = self._agreed
            if at - since - timedelta(seconds=seconds - then) <= MOST_AHEAD:
                return ""
        with database.read_only() as session:
            newest = find_newest_row(session, at - LEAST_AGE)
        if newest is None:
            return ""
        if at - newest > MOST_AHEAD:
            return user_messages.clock_ahead(at.date(), (at - newest).days)
        self._agreed = at, seconds
        return ""
