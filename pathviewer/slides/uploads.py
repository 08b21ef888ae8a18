"""Uploads of slides: received in pieces, checked, then moved to the other uploads.

Each upload has its own folder, named by its id, so that uploads cannot affect each other. On disk,
the file is named by its id too: the sender's file name may name a patient, so only the database has
it. Files of one DICOM series from one account are moved into one folder.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pathviewer.common.keyed_locks import KeyedLocks
from pathviewer.slides import user_messages
from pathviewer.slides.companion_files import names_other_files
from pathviewer.slides.errors import ReadersBusy, SlideError
from pathviewer.slides.file_extensions import SUFFIXES
from pathviewer.slides.file_groups import COMPANIONS
from pathviewer.slides.intake_opener import DirectOpener, Opener
from pathviewer.slides.slide_facts import SlideFacts
from pathviewer.slides.upload_errors import (
    DiskFull,
    TooManyUploads,
    UploadBeingChecked,
    UploadConflict,
    UploadError,
    UploadNotFound,
    UploadsTooLarge,
    UploadTooLarge,
    UploadTypeRefused,
)
from storage.base import now
from storage.database import Database
from storage.names import normalize_name
from storage.private_files import make_private_folder, open_private
from storage.slides import uploads as rows
from storage.slides.uploads import UploadRecord

PARTS = ".parts"
"""Subfolder for incomplete uploads; the library ignores hidden folders."""

STALE_SECONDS = 24 * 3600
"""Idle time after which an upload is removed."""

IDLE_SECONDS = 3600
"""Idle time after which an upload is removed if its account is at its limit."""

MAX_NAME_BYTES = 180
"""Longest file name that is stored, in bytes."""

SERIES_FOLDERS = 8
"""Most folders of a DICOM series that are tried for another file of it."""

SERIES_UID_LENGTH = 64
"""Longest UID that DICOM allows."""

MIB = 2**20

_ID = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True)
class UploadLimits:
    """Limits of uploads."""

    file_bytes: int
    """Largest file, in bytes."""

    pending: int
    """Most incomplete uploads of one account."""

    account_bytes: int
    """Most bytes on disk of all uploads of one account, incomplete or complete."""


@dataclass(frozen=True)
class Upload:
    """An announced file."""

    id: str
    """Random, 32 hexadecimal digits."""

    account_id: str
    """Account of the sender; no other account may continue the upload."""

    name: str
    """The sender's name of the file, sanitised."""

    size: int
    """In bytes, as announced."""


@dataclass(frozen=True)
class Arrival:
    """A complete file that was moved to the slides."""

    upload: Upload
    """The announced upload."""

    path: Path
    """Path of the file."""


class UploadStore:
    """Uploads in a folder; survives a restart. Thread-safe."""

    def __init__(
        self,
        folder: Path,
        database: Database,
        limits: UploadLimits,
        opener: Opener | None = None,
    ) -> None:
        """Set the `opener` for complete files, by default in this process."""
        self._opener = opener or DirectOpener()
        self._folder = folder
        self._parts = folder / PARTS
        self._database = database
        self._limits = limits
        self._locks = KeyedLocks()  # by upload; held for the duration of a write
        self._joining = KeyedLocks()  # by account
        self._changing = threading.Lock()
        self._checking: set[str] = set()  # ids of uploads that a reader checks
        self._touched: dict[str, float] = {}  # last activity of incomplete uploads, monotonic clock

    def begin(self, account_id: str, name: str, size: int) -> Upload:
        """Announce a file.

        Raises UploadError, UploadTypeRefused, UploadTooLarge, TooManyUploads, UploadsTooLarge,
        DiskFull or StorageError.
        """
        upload = Upload(uuid.uuid4().hex, account_id, harmless_name(name), size)
        self._check_size(upload)
        self.remove_stale()
        self._make_room(upload)
        with self._database.session() as session:
            rows.lock_announcements(session, account_id)
            self._check_bounds(upload, rows.upload_usage(session, account_id))
            rows.add_upload(session, upload.id, account_id, upload.name, size)
        try:
            with _disk_errors(upload):
                make_private_folder(self._parts)
                if shutil.disk_usage(self._parts).free < size:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                make_private_folder(self._part(upload).parent)
                open_private(self._part(upload), "xb").close()
                self._touched[upload.id] = time.monotonic()
        except (DiskFull, OSError):
            self._remove(upload)
            raise
        return upload

    def _check_size(self, upload: Upload) -> None:
        limit = self._limits.file_bytes
        if upload.size < 1:
            raise UploadError(user_messages.upload_empty(upload.name))
        if upload.size > limit:
            raise UploadTooLarge(
                user_messages.upload_too_large(upload.name, upload.size // MIB, limit // MIB)
            )

    def _check_bounds(self, upload: Upload, usage: rows.UploadUsage) -> None:
        if usage.pending >= self._limits.pending:
            raise TooManyUploads(user_messages.too_many_uploads(usage.pending))
        if usage.byte_count + upload.size > self._limits.account_bytes:
            raise UploadsTooLarge(
                user_messages.uploads_too_large(upload.name, self._limits.account_bytes // MIB)
            )

    def _make_room(self, upload: Upload) -> None:
        """If the account is at a limit, remove uploads that are idle or no longer on disk."""
        with self._database.read_only() as session:
            try:
                self._check_bounds(upload, rows.upload_usage(session, upload.account_id))
            except UploadError:
                pending = rows.list_uploads(session, upload.account_id, arrived=False)
                arrived = rows.list_uploads(session, upload.account_id, arrived=True)
            else:
                return
        for record in pending:
            self._remove_if_idle(record, IDLE_SECONDS)
        gone = [record.id for record in arrived if not self._target(record).exists()]
        with self._database.session() as session:
            rows.remove_uploads(session, gone)

    def find(self, upload_id: str, account_id: str) -> Upload:
        """Return an incomplete upload of the account. Raises UploadNotFound or StorageError."""
        record = self._record(upload_id, account_id)
        if record is None or record.arrived_at is not None:
            raise _not_found()
        return _upload_of(record)

    def count_received(self, upload: Upload) -> int:
        """Return the number of bytes received so far. Raises UploadNotFound."""
        try:
            return self._part(upload).stat().st_size
        except FileNotFoundError:
            raise UploadNotFound(user_messages.upload_ended(upload.name)) from None

    def append(self, upload: Upload, offset: int, piece: bytes) -> None:
        """Write a piece.

        Raises UploadConflict unless `offset` is the number of bytes received; this also stops a
        request whose connection hung while another one continued. Raises UploadTooLarge or DiskFull
        after removing the upload. Raises UploadBeingChecked.
        """
        with self._hold(upload.id, upload.name):
            received_bytes = self.count_received(upload)
            if offset != received_bytes:
                raise UploadConflict(
                    user_messages.upload_offset_wrong(received_bytes, upload.name, offset)
                )
            if offset + len(piece) > upload.size:
                self._remove(upload)
                raise UploadTooLarge(
                    user_messages.upload_longer_than_announced(upload.name, upload.size)
                )
            self._write(upload, piece)

    def _write(self, upload: Upload, piece: bytes) -> None:
        try:
            with _disk_errors(upload), open_private(self._part(upload), "ab") as part:
                part.write(piece)
            self._touched[upload.id] = time.monotonic()
        except DiskFull:
            self._remove(upload)
            raise

    def finish(self, upload: Upload) -> Path:
        """Check a complete upload and move it to the slides, never over another file.

        Raises SlideUnopenable if OpenSlide cannot open it, and UploadTypeRefused if it is the index
        of other files; it is removed then. Raises ReadersBusy if no reader is available; the upload
        remains, and the client can send the last piece again. Raises UploadNotFound if another
        request has finished the upload, and UploadBeingChecked while one does.
        """
        with self._check(upload):
            self.count_received(upload)
            part = self._part(upload)
            try:
                _refuse_index(part, upload.name)
                levels = self._facts(upload).level_count
            except ReadersBusy:
                raise
            except SlideError:
                self._remove(upload)
                raise
            with part.open("rb") as file:
                os.fsync(file.fileno())
            return self._settle(upload, levels)

    def _facts(self, upload: Upload) -> SlideFacts:
        return self._opener.facts(self._part(upload), upload.name, requester=upload.account_id)

    @contextmanager
    def _hold(self, upload_id: str, name: str) -> Iterator[None]:
        """Hold the upload's lock, but only for the duration of disk access.

        Raises UploadBeingChecked at once if a reader checks the upload, which may take long.
        """
        self._refuse_while_checked(upload_id, name)
        with self._locks.get_lock(upload_id):
            self._refuse_while_checked(upload_id, name)
            yield

    @contextmanager
    def _check(self, upload: Upload) -> Iterator[None]:
        """Mark the upload as being checked. Raises UploadBeingChecked."""
        with self._hold(upload.id, upload.name), self._changing:
            self._checking.add(upload.id)
        try:
            yield
        finally:
            with self._changing:
                self._checking.discard(upload.id)

    def _refuse_while_checked(self, upload_id: str, name: str) -> None:
        with self._changing:
            if upload_id in self._checking:
                raise UploadBeingChecked(user_messages.upload_being_checked(name))

    def _settle(self, upload: Upload, levels: int) -> Path:
        """Move a checked upload to the slides; return the path of its file.

        If its DICOM series cannot be determined now, it stays where it is: SlideError is raised.
        """
        part = self._part(upload)
        series, _ = self._opener.dicom_identity(part, requester=upload.account_id)
        if series is None or len(series) > SERIES_UID_LENGTH:
            part.parent.replace(self._folder / upload.id)
            return self._arrived(upload, upload.id, None)
        with self._joining.get_lock(upload.account_id):
            folder_id = self._folder_of_series(upload, series, levels)
            if folder_id is None:
                part.parent.replace(self._folder / upload.id)
                return self._arrived(upload, upload.id, series)
            part.replace(self._folder / folder_id / part.name)
            shutil.rmtree(part.parent, ignore_errors=True)
            return self._arrived(upload, folder_id, series)

    def _folder_of_series(self, upload: Upload, series: str, levels: int) -> str | None:
        """Return the folder of the account's uploads that the file completes; None if there is
        none.

        A file of an earlier export of the series adds no level, or does not match the others.
        Raises ReadersBusy.
        """
        with self._database.read_only() as session:
            folders = rows.list_series_folders(session, upload.account_id, series, SERIES_FOLDERS)
        part = self._part(upload)
        for folder_id in folders:
            with _linked_beside(part, self._folder / folder_id) as linked:
                if linked and self._has_more_levels(upload, levels):
                    return folder_id
        return None

    def _has_more_levels(self, upload: Upload, levels: int) -> bool:
        try:
            return self._facts(upload).level_count > levels
        except ReadersBusy:
            raise
        except SlideError:
            return False

    def _arrived(self, upload: Upload, folder_id: str, series: str | None) -> Path:
        self._touched.pop(upload.id, None)
        with self._database.session() as session:
            rows.mark_arrived(session, upload.id, folder_id, series)
        return self._folder / folder_id / self._part(upload).name

    def arrival(self, upload_id: str, account_id: str) -> Arrival:
        """Return the file of an upload that was finished earlier or is being finished.

        Clients that lost the response may ask again. Raises UploadNotFound and UploadBeingChecked.
        """
        upload_record = self._record(upload_id, account_id)
        if upload_record is None:
            raise _not_found()
        with self._hold(upload_id, upload_record.file_name):
            record = self._record(upload_id, account_id)
            target = None if record is None else self._target(record)
            if record is None or target is None or not target.exists():
                raise _not_found()
            if record.arrived_at is None:  # the program ended before the update
                self._arrived(_upload_of(record), record.folder_id, None)
        return Arrival(_upload_of(record), target)

    def discard(self, arrival: Arrival) -> None:
        """Remove a complete file that cannot be listed as a slide, unless it can be opened now."""
        try:
            upload = arrival.upload
            self._opener.facts(arrival.path, upload.name, requester=upload.account_id)
        except ReadersBusy:
            return
        except SlideError:
            pass
        else:
            return
        arrival.path.unlink(missing_ok=True)
        with suppress(OSError):  # other files of its series exist
            arrival.path.parent.rmdir()
        self._remove(arrival.upload)

    def cancel(self, upload: Upload) -> None:
        """Remove an incomplete upload.

        Raises UploadNotFound if it is a slide already, and UploadBeingChecked if it may become one.
        """
        with self._hold(upload.id, upload.name):
            self.count_received(upload)
            self._remove(upload)

    def _remove(self, upload: Upload) -> None:
        """Remove an upload; its row last, so that remaining files always have a row."""
        shutil.rmtree(self._part(upload).parent, ignore_errors=True)
        self._touched.pop(upload.id, None)
        with self._database.session() as session:
            rows.remove_uploads(session, [upload.id])

    def remove_stale(self) -> None:
        """Remove uploads that were idle for a day."""
        with self._database.read_only() as session:
            old = rows.list_pending_before(session, now() - timedelta(seconds=STALE_SECONDS))
        for record in old:
            self._remove_if_idle(record, STALE_SECONDS)

    def remove_leftovers(self) -> None:
        """Remove incomplete files of earlier versions, which stored the senders' file names."""
        for path in self._parts.iterdir() if self._parts.is_dir() else ():
            if path.is_file():
                path.unlink(missing_ok=True)

    def _remove_if_idle(self, record: UploadRecord, seconds: float) -> None:
        upload = _upload_of(record)
        with suppress(UploadBeingChecked), self._hold(upload.id, upload.name):
            try:
                idle = time.time() - self._part(upload).stat().st_mtime
            except FileNotFoundError:
                if self._target(record).exists():
                    self._arrived(upload, record.folder_id, None)
                    return
                idle = (now() - record.begun_at).total_seconds()
            touched = self._touched.get(upload.id)
            if touched is not None:  # the system clock may have been changed
                idle = time.monotonic() - touched
            if idle >= seconds:
                self._remove(upload)

    def _record(self, upload_id: str, account_id: str) -> UploadRecord | None:
        if not _ID.fullmatch(upload_id):
            return None
        with self._database.read_only() as session:
            return rows.find_upload(session, upload_id, account_id)

    def _part(self, upload: Upload) -> Path:
        # OpenSlide recognises some formats by extension
        return self._parts / upload.id / f"{upload.id}{Path(upload.name).suffix.lower()}"

    def _target(self, record: UploadRecord) -> Path:
        return self._folder / record.folder_id / self._part(_upload_of(record)).name


def _upload_of(record: UploadRecord) -> Upload:
    return Upload(record.id, record.account_id, record.file_name, record.byte_count)


def _refuse_index(part: Path, name: str) -> None:
    if names_other_files(part):
        raise UploadTypeRefused(user_messages.index_of_several_files(name))


@contextmanager
def _linked_beside(part: Path, folder: Path) -> Iterator[bool]:
    """Link a folder's files beside an incomplete one for the block; yield whether there are any."""
    links: list[Path] = []
    try:
        with suppress(OSError):  # some file systems do not support links
            for path in sorted(folder.iterdir()):
                links.append(part.with_name(path.name))
                links[-1].hardlink_to(path)
        yield bool(links)
    finally:
        for link in links:
            link.unlink(missing_ok=True)


def _not_found() -> UploadNotFound:
    return UploadNotFound(user_messages.UPLOAD_NOT_FOUND)


def harmless_name(name: str) -> str:
    """Return the last part of a path, without characters that are unsafe in file systems or shells.

    Raises UploadError if nothing is left, UploadTypeRefused if the name is not that of a slide.
    """
    last = re.split(r"[/\\]", normalize_name(name))[-1]
    printable = "".join(letter for letter in last if letter.isprintable())
    file = Path(re.sub(r'[:*?"<>|]', "_", printable).strip(" ."))
    suffix = file.suffix
    stem = (
        file.stem.encode()[: MAX_NAME_BYTES - len(suffix.encode())].decode(errors="ignore").rstrip()
    )
    if suffix.lower() in COMPANIONS:
        raise UploadTypeRefused(user_messages.type_of_several_files(suffix))
    if suffix.lower() not in SUFFIXES:
        allowed = ", ".join(sorted(SUFFIXES - set(COMPANIONS)))
        raise UploadTypeRefused(user_messages.type_not_supported(allowed))
    if not stem:
        raise UploadError(user_messages.UPLOAD_WITHOUT_NAME)
    return stem + suffix


@contextmanager
def _disk_errors(upload: Upload) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise DiskFull(user_messages.disk_full(upload.name)) from error
