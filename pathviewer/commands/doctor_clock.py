"""Check of the clock, on which the removal of expired data depends."""

from __future__ import annotations

from collections.abc import Iterator

from pathviewer.commands.doctor_check import Check
from pathviewer.operations.clock_check import ClockCheck
from pathviewer.settings import Settings
from storage.database import open_database
from storage.errors import StorageError


def clock(settings: Settings) -> Iterator[Check]:
    """Report a clock that the server does not believe, if it removes expired data at all."""
    if not (settings.keep_questions_days or settings.keep_uploads_days):
        return
    try:
        opened = open_database(settings.database)
    except (StorageError, OSError):
        return  # the database check has already reported this
    try:
        refusal = ClockCheck().refusal(opened)
    except StorageError:
        return
    finally:
        opened.close()
    if refusal:
        yield Check("clock", "note", refusal)
