"""Files that ended a reader, remembered by their content: they are not opened a second time."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import openslide

from pathviewer.slides.stamp import FileStamp, stamp_file

_log = logging.getLogger(__name__)

_BLOCK = 65_536
_BLOCKS = 64
"""Blocks of a file that its fingerprint is made from; a file of up to 4 MiB is read in full."""

_MOST_REMEMBERED = 10_000

_FIRST_WAIT_SECONDS = 600.0
_LONGEST_WAIT_SECONDS = 86_400.0
"""A file that took too long is tried again after the first wait, then after twice as long each
time, since a slow network may have been the cause."""


@dataclass(frozen=True)
class FileFault:
    """What a file did to the reader that opened it."""

    fingerprint: str
    """Of its content."""

    size: int
    """In bytes."""

    path: str
    """Where it was seen last; for the administrator alone."""

    reason: str
    """`ended` or `slow`."""

    library: str
    """Version of OpenSlide that read it; another version may fare better."""

    count: int
    """How often this happened."""

    happened_at: float
    """When it happened last, in seconds since 1970."""

    @property
    def retry_at(self) -> float:
        """When the file may be opened again, in seconds since 1970; infinite for a crash."""
        if self.reason == "ended":
            return float("inf")
        wait = min(_FIRST_WAIT_SECONDS * 2.0 ** min(self.count - 1, 20), _LONGEST_WAIT_SECONDS)
        return self.happened_at + wait


class FileFaults:
    """Remembers such files across restarts. Every method may be called from any thread."""

    def __init__(self, file: Path | None, clock: Callable[[], float] = time.time) -> None:
        """`file` is where they are stored, `None` for nowhere."""
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._faults = {} if file is None else {fault.fingerprint: fault for fault in load(file)}
        self._looked: dict[tuple[Path, FileStamp], str] = {}

    def list(self) -> list[FileFault]:
        """Every file that is remembered."""
        with self._lock:
            return list(self._faults.values())

    def barred(self, path: Path) -> FileFault | None:
        """The fault for which a file must not be opened now, `None` if it may be opened."""
        stamp = stamp_file(path)
        if stamp is None:
            return None
        with self._lock:
            sizes = {fault.size for fault in self._faults.values()}
        if stamp.size not in sizes:
            return None
        fault = self._faults.get(self._fingerprint(path, stamp))
        if fault is None or fault.library != openslide.__library_version__:
            return None
        return fault if self._clock() < fault.retry_at else None

    def remember(self, path: Path, reason: str) -> None:
        """Note what a file did to its reader; a file that is gone is passed over."""
        stamp = stamp_file(path)
        fingerprint = "" if stamp is None else self._fingerprint(path, stamp)
        if stamp is None or not fingerprint:
            return
        version = openslide.__library_version__
        fault = FileFault(fingerprint, stamp.size, str(path), reason, version, 1, self._clock())
        with self._lock:
            before = self._faults.pop(fingerprint, None)
            if before is not None and before.reason == reason:
                fault = replace(fault, count=before.count + 1)
            self._faults[fingerprint] = fault
            while len(self._faults) > _MOST_REMEMBERED:
                del self._faults[next(iter(self._faults))]
            self._save()

    def _fingerprint(self, path: Path, stamp: FileStamp) -> str:
        key = path, stamp
        if key not in self._looked:
            if len(self._looked) >= _MOST_REMEMBERED:
                self._looked.clear()
            self._looked[key] = fingerprint_of(path, stamp.size)
        return self._looked[key]

    def _save(self) -> None:
        if self._file is None:
            return
        text = json.dumps([asdict(fault) for fault in self._faults.values()])
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._file.parent, prefix=".faults-")
            with os.fdopen(handle, "w", encoding="utf-8") as temporary:
                temporary.write(text)
                temporary.flush()
                os.fsync(temporary.fileno())
            Path(name).replace(self._file)
        except OSError as error:
            _log.warning("Which files ended a reader was not stored: %s.", error.strerror)


def fingerprint_of(path: Path, size: int) -> str:
    """SHA-256 of the size and of blocks spread evenly over the file; empty if it cannot be read."""
    digest = hashlib.sha256(str(size).encode())
    step = max(_BLOCK, -(-size // _BLOCKS))
    try:
        with path.open("rb") as file:
            for place in range(0, size, step):
                file.seek(place)
                digest.update(file.read(_BLOCK))
    except OSError:
        return ""
    return digest.hexdigest()


def load(file: Path) -> list[FileFault]:
    """The faults in a file; none if there is no such file or it is damaged."""
    with suppress(OSError, ValueError, TypeError):
        return [FileFault(**entry) for entry in json.loads(file.read_text("utf-8"))]
    return []
