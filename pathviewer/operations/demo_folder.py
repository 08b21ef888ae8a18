"""Where a public demo keeps what its visitors leave, while it runs; one program's at a time."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from pathviewer.operations.errors import UpkeepError
from storage.private_files import FILE_MODE

if TYPE_CHECKING:
    from pathviewer.settings import Settings


class DemoFolder:
    """Of a public demo; of any other run it is none, and nothing is touched."""

    def __init__(self, settings: Settings) -> None:
        """Taken for this run, empty. Raises UpkeepError where another program has it."""
        self._settings = settings
        # the system lets go of it when the program ends, however that happens
        self._lock = FileLock(settings.data / "visits.lock", blocking=False, mode=FILE_MODE)
        if settings.public_demo:
            self._take()

    def _take(self) -> None:
        try:
            self._lock.acquire()
        except Timeout as error:
            raise UpkeepError(
                f"Another public demo keeps its visits in {self._settings.data}. Stop that one, or "
                "give this one a folder of its own with --data or PATHVIEWER_DATA."
            ) from error
        self._empty()

    def give_back(self) -> None:
        """Remove all that was kept, and let another program have it."""
        if self._settings.public_demo:
            self._empty()
            self._lock.release()

    def _empty(self) -> None:
        shutil.rmtree(self._settings.content, ignore_errors=True)
