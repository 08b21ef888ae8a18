"""Extraction of one file from an untrusted zip or gzip archive, with size limits."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from pathviewer.common import user_messages

MOST_ENTRIES = 64
"""Most entries of a zip archive: QuPath writes one, and operating systems add a few."""

_ZIP, _EMPTY_ZIP, _GZIP = b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b"
_DIRECTORY_ENTRY = b"PK\x01\x02"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 1
_DAMAGED = (OSError, EOFError, ValueError, NotImplementedError, RuntimeError)


class ArchiveError(ValueError):
    """An archive is damaged, too large or ambiguous; the message can be shown to users."""


def unpack(data: bytes, suffixes: Sequence[str], most_bytes: int) -> bytes:
    """Return the only file in a zip or gzip archive with one of the lowercase `suffixes`.

    Data that is not an archive is returned unchanged. At most `most_bytes` are unpacked. Raises
    ArchiveError.
    """
    try:
        if data.startswith((_ZIP, _EMPTY_ZIP)):
            return _from_zip(data, suffixes, most_bytes)
        if data.startswith(_GZIP):
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
                return _bounded(file.read, most_bytes)
    except ArchiveError:
        raise
    except (*_DAMAGED, zlib.error, zipfile.BadZipFile):
        raise ArchiveError(user_messages.ARCHIVE_DAMAGED) from None
    return data


def _from_zip(data: bytes, suffixes: Sequence[str], most_bytes: int) -> bytes:
    # count first: ZipFile needs far more memory for each directory entry
    if data.count(_DIRECTORY_ENTRY) > MOST_ENTRIES:
        raise ArchiveError(user_messages.too_many_entries(MOST_ENTRIES))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [entry for entry in archive.infolist() if _is_wanted(entry.filename, suffixes)]
        if len(entries) != 1:
            contents = user_messages.file_count(len(entries)) if entries else user_messages.NO_FILE
            raise ArchiveError(user_messages.wrong_contents(contents, suffixes))
        (entry,) = entries
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
            raise ArchiveError(user_messages.ARCHIVE_ENCRYPTED)
        with archive.open(entry) as file:
            return _bounded(file.read, most_bytes)


def _is_wanted(name: str, suffixes: Sequence[str]) -> bool:
    """Return whether the suffix matches; macOS adds a `__MACOSX/._name` beside each file."""
    path = PurePosixPath(name)
    return path.suffix.lower() in suffixes and not path.name.startswith(".")


def _bounded(read: Callable[[int], bytes], most_bytes: int) -> bytes:
    content = read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ArchiveError(user_messages.archive_too_large(most_bytes))
    return content
