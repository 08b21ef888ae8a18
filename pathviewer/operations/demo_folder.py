"""The folder of a public demo's visits, used by one program at a time."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from pathviewer.operations import user_messages
from pathviewer.operations.errors import UpkeepError
from storage.private_files import FILE_MODE

if TYPE_CHECKING:
    from pathviewer.settings import Settings


class DemoFolder:
    """Visit data of a public demo; for any other run it does nothing."""

    def __init__(self, settings: Settings) -> None:
        """Lock and empty the folder. Raises UpkeepError if another program uses it."""
        self._settings = settings
        # the system releases it when the program ends, even after a kill
        self._lock = FileLock(settings.data / "visits.lock", blocking=False, mode=FILE_MODE)
        if settings.public_demo:
            self._take()

    def _take(self) -> None:
        try:
            self._lock.acquire()
        except Timeout as error:
            raise UpkeepError(user_messages.demo_folder_in_use(self._settings.data)) from error
        self._empty()

    def give_back(self) -> None:
        """Remove all visit data and release the folder."""
        if self._settings.public_demo:
            self._empty()
            self._lock.release()

    def _empty(self) -> None:
        shutil.rmtree(self._settings.content, ignore_errors=True)
