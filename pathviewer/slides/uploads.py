"""Slides on their way in: received in pieces, checked, then put among the uploads."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import threading
import time
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from pathviewer.slides.errors import SlideError
from pathviewer.slides.facts import read_facts
from pathviewer.slides.file_groups import COMPANIONS
from pathviewer.slides.intake import ReadFacts
from pathviewer.slides.scan import SUFFIXES
from pathviewer.slides.upload_errors import (
    DiskFull,
    UploadConflict,
    UploadError,
    UploadNotFound,
    UploadTooLarge,
    UploadTypeRefused,
)

PARTS = ".parts"
"""Folder in the uploads for what is not complete; the library passes hidden folders over."""

STALE_SECONDS = 24 * 3600
"""An upload that nobody went on with for so long is removed."""

MAX_NAME_BYTES = 180
"""Longest file name; file systems allow 255 and copies get a number."""

REMEMBERED = 1000
"""Uploads of which it is known for a while where they went."""

LOCKS = 64
"""Uploads share so many locks, by their ids."""

MIB = 2**20

_ID = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True)
class Upload:
    """A file that was announced."""

    id: str
    """Random, 32 hexadecimal digits."""

    account_id: str
    """Who sends it; nobody else may go on with it."""

    name: str
    """The file's name, made harmless."""

    size: int
    """In bytes, as announced."""


@dataclass(frozen=True)
class Arrival:
    """A file that is complete and among the slides."""

    upload: Upload
    """What was announced."""

    path: Path
    """Where it is."""


class UploadStore:
    """Uploads in a folder; survives a restart. Every method may be called from any thread."""

    def __init__(
        self,
        folder: Path,
        limit_bytes: int,
        remembered: int = REMEMBERED,
        read_facts: ReadFacts = read_facts,
    ) -> None:
        """`read_facts` opens what arrived; it raises SlideError."""
        self._read_facts = read_facts
        self._folder = folder
        self._parts = folder / PARTS
        self._limit = limit_bytes
        self._remembered = remembered
        self._locks = tuple(threading.Lock() for _ in range(LOCKS))
        self._remembering = threading.Lock()
        self._arrivals: dict[str, Arrival] = {}

    def begin(self, account_id: str, name: str, size: int) -> Upload:
        """Announce a file.

        Raises UploadError, UploadTypeRefused, UploadTooLarge or DiskFull.
        """
        self.remove_stale()
        upload = Upload(uuid.uuid4().hex, account_id, harmless_name(name), size)
        if size < 1:
            raise UploadError(f"{upload.name} is empty: choose another file.")
        if size > self._limit:
            raise UploadTooLarge(
                f"{upload.name} has {size // MIB} MiB, more than the {self._limit // MIB} MiB "
                "allowed: raise PATHVIEWER_UPLOAD_LIMIT_MIB or copy it into a slide folder."
            )
        self._parts.mkdir(parents=True, exist_ok=True)
        with _disk_errors(upload):
            if shutil.disk_usage(self._parts).free < size:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._part(upload).touch()
            self._note(upload.id).write_text(json.dumps(asdict(upload)), "utf-8")
        return upload

    def find(self, upload_id: str, account_id: str) -> Upload:
        """An upload that the account began. Raises UploadNotFound."""
        try:
            if not _ID.fullmatch(upload_id):
                raise FileNotFoundError(upload_id)
            upload = Upload(**json.loads(self._note(upload_id).read_text("utf-8")))
        except FileNotFoundError:
            upload = None
        if upload is None or upload.account_id != account_id:
            raise _not_found()
        return upload

    def received(self, upload: Upload) -> int:
        """Bytes that are there already. Raises UploadNotFound."""
        try:
            return self._part(upload).stat().st_size
        except FileNotFoundError:
            raise UploadNotFound(f"The upload of {upload.name} has ended.") from None

    def append(self, upload: Upload, offset: int, piece: bytes) -> None:
        """Write a piece.

        Raises UploadConflict unless `offset` is what was received, which also ends a request
        whose connection hung once another one went on. Raises UploadTooLarge or DiskFull; the
        upload is then removed.
        """
        with self._lock_of(upload):
            received = self.received(upload)
            if offset != received:
                raise UploadConflict(
                    f"{received} bytes of {upload.name} are here: go on from there, not {offset}."
                )
            if offset + len(piece) > upload.size:
                self._remove(upload)
                raise UploadTooLarge(
                    f"More than the {upload.size} bytes announced came for {upload.name}: "
                    "start again."
                )
            self._write(upload, piece)

    def _write(self, upload: Upload, piece: bytes) -> None:
        try:
            with _disk_errors(upload), self._part(upload).open("ab") as part:
                part.write(piece)
        except DiskFull:
            self._remove(upload)
            raise

    def finish(self, upload: Upload) -> Path:
        """Check a complete upload and put it among the slides, never over another file.

        Raises SlideUnopenable when OpenSlide cannot open it; it is removed then. Raises
        UploadNotFound when another request has done so already.
        """
        with self._lock_of(upload):
            self.received(upload)
            part = self._part(upload)
            try:
                self._read_facts(part, upload.name)
            except SlideError:
                self._remove(upload)
                raise
            with part.open("rb") as file:
                os.fsync(file.fileno())
            target = self._moved(part, upload.name)
            self._note(upload.id).unlink(missing_ok=True)
            self._remember(Arrival(upload, target))
            return target

    def arrival(self, upload_id: str, account_id: str) -> Arrival:
        """Where an upload of the account went that was finished a while ago or is just being.

        Whoever did not get the answer may ask for it again. Raises UploadNotFound, also after a
        restart.
        """
        with self._locks[_lock_number(upload_id)]:
            arrival = self._arrivals.get(upload_id)
        if arrival is None or arrival.upload.account_id != account_id:
            raise _not_found()
        return arrival

    def cancel(self, upload: Upload) -> None:
        """Remove what was received. Raises UploadNotFound when it is a slide by now."""
        with self._lock_of(upload):
            self.received(upload)
            self._remove(upload)

    def _remove(self, upload: Upload) -> None:
        self._part(upload).unlink(missing_ok=True)
        self._note(upload.id).unlink(missing_ok=True)

    def _remember(self, arrival: Arrival) -> None:
        # a new dictionary, for uploads under other locks finish at the same time
        with self._remembering:
            arrivals = [*self._arrivals.items(), (arrival.upload.id, arrival)]
            self._arrivals = dict(arrivals[-self._remembered :])

    def remove_stale(self) -> None:
        """Remove uploads that nobody went on with for a day."""
        if not self._parts.is_dir():
            return
        oldest = time.time() - STALE_SECONDS
        for path in self._parts.iterdir():
            part = next(self._parts.glob(f"{path.name[:32]}.part*"), path)
            with suppress(FileNotFoundError):
                if part.stat().st_mtime < oldest:
                    path.unlink()

    def _lock_of(self, upload: Upload) -> threading.Lock:
        return self._locks[_lock_number(upload.id)]

    def _part(self, upload: Upload) -> Path:
        # OpenSlide tells some formats by the ending
        return self._parts / f"{upload.id}.part{Path(upload.name).suffix}"

    def _note(self, upload_id: str) -> Path:
        return self._parts / f"{upload_id}.json"

    def _moved(self, part: Path, name: str) -> Path:
        """The part in its place among the slides."""
        target = self._reserve(name)
        try:
            return part.replace(target)
        except OSError:
            target.unlink()
            raise

    def _reserve(self, name: str) -> Path:
        """An empty file of this name, numbered if the name is taken."""
        target = self._folder / name
        number = 1
        while True:
            try:
                target.open("xb").close()
            except FileExistsError:
                number += 1
                numbered = f"{Path(name).stem} ({number}){Path(name).suffix}"
                target = target.with_name(numbered)
            else:
                return target


def _lock_number(upload_id: str) -> int:
    return int(upload_id, 16) % LOCKS if _ID.fullmatch(upload_id) else 0


def _not_found() -> UploadNotFound:
    return UploadNotFound("There is no such upload any more: choose the file again.")


def harmless_name(name: str) -> str:
    """The last part of a path without anything that a file system or shell takes amiss.

    Raises UploadError when nothing is left, UploadTypeRefused when no slide is called like that.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    kept = "".join(letter for letter in last if letter.isprintable())
    file = Path(re.sub(r'[:*?"<>|]', "_", kept).strip(" ."))
    suffix = file.suffix
    stem = (
        file.stem.encode()[: MAX_NAME_BYTES - len(suffix.encode())].decode(errors="ignore").rstrip()
    )
    if suffix.lower() in COMPANIONS:
        raise UploadTypeRefused(
            f"A slide of type {suffix} is several files: copy its whole folder into a slide folder."
        )
    if suffix.lower() not in SUFFIXES:
        allowed = ", ".join(sorted(SUFFIXES - set(COMPANIONS)))
        raise UploadTypeRefused(f"Only files ending in {allowed} can be slides.")
    if not stem:
        raise UploadError("The file has no name: rename it and choose it again.")
    return stem + suffix


@contextmanager
def _disk_errors(upload: Upload) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise DiskFull(
            f"There is no room for {upload.name} on the server's disk: free some and start again."
        ) from error
