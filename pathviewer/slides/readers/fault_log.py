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

from pathviewer.slides.file_stamp import FileStamp, stamp_file

_log = logging.getLogger(__name__)

_BLOCK = 65_536
_BLOCKS = 64
"""Blocks of a file that its sample is made from."""

_CLOCK_SECONDS = 3600.0
"""A fault that lies so far ahead was noted by a clock that was wrong."""

_MOST_REMEMBERED = 10_000

_FIRST_WAIT_SECONDS = 600.0
_LONGEST_WAIT_SECONDS = 86_400.0
"""A file that took too long is tried again after the first wait, then after twice as long each
time, since a slow network may have been the cause."""


@dataclass(frozen=True)
class FileFault:
    """What a file did to the reader that opened it."""

    fingerprint: str
    """SHA-256 of its content."""

    sample: str
    """SHA-256 of blocks of its content, which tells most other files apart without reading all."""

    size: int
    """In bytes."""

    path: str
    """Where it was seen last; for the administrator alone."""

    reason: str
    """`ended` or `slow`."""

    library: str
    """Version of OpenSlide that read it; another version may fare better."""

    memory_mib: int
    """Memory that its reader was allowed; with more it may fare better."""

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

    def __init__(
        self, file: Path | None, memory_mib: int = 0, clock: Callable[[], float] = time.time
    ) -> None:
        """`file` is where they are stored, `None` for nowhere; `memory_mib` is what a reader may
        have now."""
        self._file = file
        self._memory_mib = memory_mib
        self._clock = clock
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._faults = {} if file is None else {fault.fingerprint: fault for fault in load(file)}
        self._hashes: dict[tuple[Path, FileStamp, bool], str] = {}

    def list(self) -> list[FileFault]:
        """Every file that is remembered."""
        with self._lock:
            return list(self._faults.values())

    def find_barring_fault(self, path: Path) -> FileFault | None:
        """The fault for which a file must not be opened now, `None` if it may be opened.

        Looks at the file, and reads all of it where a sample of it is known.
        """
        stamp = stamp_file(path)
        if stamp is None:
            return None
        with self._lock:
            alike = [fault for fault in self._faults.values() if fault.size == stamp.size]
        if not alike or self._hash(path, stamp, entire=False) not in {one.sample for one in alike}:
            return None
        fault = self._faults.get(self._hash(path, stamp, entire=True))
        return fault if fault is not None and self._holds(fault) else None

    def remember(self, path: Path, reason: str) -> None:
        """Note what a file did to its reader, and read all of it; a file that is gone is passed
        over."""
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
            _log.warning("Which files ended a reader was not stored: %s.", error.strerror)


def hash_of(path: Path, size: int, step: int) -> str:
    """SHA-256 of the size and of 64 KiB at every `step` bytes; empty if it cannot be read."""
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
    """The faults in a file; none if there is no such file or it is damaged."""
    with suppress(OSError, ValueError, TypeError):
        return [FileFault(**entry) for entry in json.loads(file.read_text("utf-8"))]
    return []
