"""Log of files that ended a reader, identified by content, so that they are not opened again."""

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

from pathviewer.slides.file_stamp import FileStamp, stamp_file

_log = logging.getLogger(__name__)

_BLOCK = 65_536
_BLOCKS = 64
"""Number of blocks of a file in its sample."""

_CLOCK_SECONDS = 3600.0
"""Time by which a fault may lie in the future before the clock is considered wrong."""

_MOST_REMEMBERED = 10_000

_FIRST_WAIT_SECONDS = 600.0
_LONGEST_WAIT_SECONDS = 86_400.0
"""A file that took too long is retried after the first wait, which then doubles each time, because
a slow network may have been the cause."""


@dataclass(frozen=True)
class FileFault:
    """A file that ended its reader."""

    fingerprint: str
    """SHA-256 of its content."""

    sample: str
    """SHA-256 of blocks of its content, to exclude most other files without reading all of it."""

    size: int
    """In bytes."""

    path: str
    """Path where it was seen last; for the administrator only."""

    reason: str
    """`ended` or `slow`."""

    library: str
    """Version of OpenSlide that read it; another version may succeed."""

    memory_mib: int
    """Memory limit of its reader, in MiB; with more it may succeed."""

    count: int
    """Number of occurrences."""

    happened_at: float
    """Time of the last occurrence, in seconds since 1970."""

    @property
    def retry_at(self) -> float:
        """Time of the next retry, in seconds since 1970; infinite for a crash."""
        if self.reason == "ended":
            return float("inf")
        wait = min(_FIRST_WAIT_SECONDS * 2.0 ** min(self.count - 1, 20), _LONGEST_WAIT_SECONDS)
        return self.happened_at + wait


class FileFaults:
    """Log of faults that survives restarts. Thread-safe."""

    def __init__(
        self, file: Path | None, memory_mib: int = 0, clock: Callable[[], float] = time.time
    ) -> None:
        """Set the storage `file`, if any, and the readers' current memory limit, in MiB."""
        self._file = file
        self._memory_mib = memory_mib
        self._clock = clock
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._faults = {} if file is None else {fault.fingerprint: fault for fault in load(file)}
        self._hashes: dict[tuple[Path, FileStamp, bool], str] = {}

    def list(self) -> list[FileFault]:
        """Return all faults."""
        with self._lock:
            return list(self._faults.values())

    def find_barring_fault(self, path: Path) -> FileFault | None:
        """Return the fault that prevents opening a file now, `None` if it may be opened.

        Accesses the file, and reads all of it if its sample is known.
        """
        stamp = stamp_file(path)
        if stamp is None:
            return None
        with self._lock:
            alike = [fault for fault in self._faults.values() if fault.size == stamp.size]
        if not alike or self._hash(path, stamp, entire=False) not in {
            fault.sample for fault in alike
        }:
            return None
        fault = self._faults.get(self._hash(path, stamp, entire=True))
        return fault if fault is not None and self._holds(fault) else None

    def remember(self, path: Path, reason: str) -> None:
        """Record that a file ended its reader, and read all of it; a missing file is ignored."""
        stamp = stamp_file(path)
        if stamp is None:
            return
        fingerprint = self._hash(path, stamp, entire=True)
        sample = self._hash(path, stamp, entire=False)
        if not fingerprint or not sample:
            return
        version, now = openslide.__library_version__, self._clock()
        fault = FileFault(
            fingerprint, sample, stamp.size, str(path), reason, version, self._memory_mib, 1, now
        )
        with self._lock:
            before = self._faults.pop(fingerprint, None)
            if before is not None and before.reason == reason:
                fault = replace(fault, count=before.count + 1)
            self._faults[fingerprint] = fault
            while len(self._faults) > _MOST_REMEMBERED:
                del self._faults[next(iter(self._faults))]
        self._save()

    def _holds(self, fault: FileFault) -> bool:
        now = self._clock()
        return (
            fault.library == openslide.__library_version__
            and self._memory_mib <= fault.memory_mib
            and now < fault.retry_at
            and fault.happened_at <= now + _CLOCK_SECONDS  # the clock was wrong then, or is now
        )

    def _hash(self, path: Path, stamp: FileStamp, *, entire: bool) -> str:
        key = path, stamp, entire
        if key not in self._hashes:
            if len(self._hashes) >= _MOST_REMEMBERED:
                self._hashes.clear()
            step = _BLOCK if entire else max(_BLOCK, -(-stamp.size // _BLOCKS))
            self._hashes[key] = hash_of(path, stamp.size, step)
        return self._hashes[key]

    def _save(self) -> None:
        if self._file is None:
            return
        with self._saving:
            self._write(self._file, json.dumps([asdict(fault) for fault in self.list()]))

    def _write(self, file: Path, text: str) -> None:
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=file.parent, prefix=".faults-")
            with os.fdopen(handle, "w", encoding="utf-8") as temporary:
                temporary.write(text)
                temporary.flush()
                os.fsync(temporary.fileno())
            Path(name).replace(file)
        except OSError as error:
            _log.warning("The log of files that ended a reader was not saved: %s.", error.strerror)


def hash_of(path: Path, size: int, step: int) -> str:
    """Return the SHA-256 of the size and of 64 KiB at every `step` bytes; empty if unreadable."""
    digest = hashlib.sha256(str(size).encode())
    try:
        with path.open("rb") as file:
            for place in range(0, size, step):
                file.seek(place)
                digest.update(file.read(_BLOCK))
    except OSError:
        return ""
    return digest.hexdigest()


def load(file: Path) -> list[FileFault]:
    """Return the faults in a file; none if it is missing or damaged."""
    with suppress(OSError, ValueError, TypeError):
        return [FileFault(**entry) for entry in json.loads(file.read_text("utf-8"))]
    return []
