"""Detection of changes in the slide folders."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import watchfiles
from watchfiles.main import FileChange

from pathviewer.slides.folder_timeout import FolderCalls, present

RESCAN_SECONDS = 60.0
"""Interval of scans without a notice; computers that share a network folder send none."""

FALLBACK_SECONDS = 10.0
"""Interval of scans if the system gives no notices at all, or while a folder is missing: it may
appear, be scanned and disappear between two checks.
"""

TICK_SECONDS = 1.0
"""Interval of checks that the folders themselves exist."""

DEBOUNCE_MS = 2000
"""Interval of notices while a file is being copied."""

_log = logging.getLogger(__name__)


def watch_folders(folders: Sequence[Path], stop: threading.Event) -> Iterator[None]:
    """Yield when something in the folders may have changed; end soon after `stop` is set.

    The first time is soon after the start, for changes before the watch was set up.
    """
    calls = FolderCalls(TICK_SECONDS)
    while not stop.is_set():
        there = present(calls, folders)
        interval = RESCAN_SECONDS if len(there) == len(folders) else FALLBACK_SECONDS
        due = time.monotonic()
        try:
            for changes in _notices([folder for folder, _, _ in there], stop):
                if changes or time.monotonic() >= due:
                    due = time.monotonic() + interval
                    yield
                if present(calls, folders) != there or _removed(changes, folders):
                    break
        except FileNotFoundError:
            stop.wait(TICK_SECONDS)  # the folder has just disappeared
        except (OSError, RuntimeError) as error:
            # such as too many folders for inotify
            _log.warning(
                "No notices of new slides (%s); scanning every %g s", error, FALLBACK_SECONDS
            )
            if not stop.wait(FALLBACK_SECONDS):
                yield


def _removed(changes: set[FileChange], folders: Sequence[Path]) -> bool:
    """Return whether a folder itself was removed; a new one may have the same inode."""
    return any(
        change is watchfiles.Change.deleted and Path(path) in folders for change, path in changes
    )


def _notices(there: Sequence[Path], stop: threading.Event) -> Iterator[set[FileChange]]:
    """Yield sets of changes, an empty one every tick."""
    if there:
        yield from watchfiles.watch(
            *there,
            watch_filter=lambda _, path: _is_visible(path, there),
            debounce=DEBOUNCE_MS,
            rust_timeout=round(1000 * TICK_SECONDS),
            yield_on_timeout=True,
            stop_event=stop,
            raise_interrupt=False,
            ignore_permission_denied=True,
        )
    while not there and not stop.wait(TICK_SECONDS):
        yield set()


def _is_visible(path: str, folders: Sequence[Path]) -> bool:
    """Return whether a change matters; uploads grow in a hidden folder."""
    changed = Path(path)
    return any(
        not any(part.startswith(".") for part in changed.relative_to(folder).parts)
        for folder in folders
        if changed.is_relative_to(folder)
    )
