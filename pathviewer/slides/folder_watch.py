"""Noticing that something changed in the slide folders."""

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
"""A look without a notice: computers that share a network folder send none for each other."""

FALLBACK_SECONDS = 10.0
"""The same where the system gives no notices at all."""

TICK_SECONDS = 1.0
"""How often it is checked whether the folders themselves are there."""

DEBOUNCE_MS = 2000
"""While a file is being copied in, there is one notice in so many milliseconds."""

_log = logging.getLogger(__name__)


def watch_folders(folders: Sequence[Path], stop: threading.Event) -> Iterator[None]:
    """Yield whenever something in the folders may have changed; end soon after `stop` is set.

    The first time is soon after the start, for what changed before the watch was set up.
    """
    calls = FolderCalls(TICK_SECONDS)
    while not stop.is_set():
        there = present(calls, folders)
        due = time.monotonic()
        try:
            for changes in _notices([folder for folder, _, _ in there], stop):
                if changes or time.monotonic() >= due:
                    due = time.monotonic() + RESCAN_SECONDS
                    yield
                if present(calls, folders) != there or _removed(changes, folders):
                    break
        except FileNotFoundError:
            stop.wait(TICK_SECONDS)  # the folder went away just now
        except (OSError, RuntimeError) as error:
            # such as too many folders for inotify
            _log.warning(
                "No notice of new slides (%s); looking every %g s", error, FALLBACK_SECONDS
            )
            if not stop.wait(FALLBACK_SECONDS):
                yield


def _removed(changes: set[FileChange], folders: Sequence[Path]) -> bool:
    """Whether a folder itself was removed; one made anew may have the same inode."""
    return any(
        change is watchfiles.Change.deleted and Path(path) in folders for change, path in changes
    )


def _notices(there: Sequence[Path], stop: threading.Event) -> Iterator[set[FileChange]]:
    """Sets of changes, an empty one every tick."""
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
    """Whether a change matters; uploads grow in a hidden folder."""
    changed = Path(path)
    return any(
        not any(part.startswith(".") for part in changed.relative_to(folder).parts)
        for folder in folders
        if changed.is_relative_to(folder)
    )
