"""One file out of a zip or gzip archive that arrived from outside, within bounds."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

MOST_ENTRIES = 64
"""Entries of a zip archive; QuPath writes one, an operating system adds a few of its own."""

_ZIP, _EMPTY_ZIP, _GZIP = b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b"
_DIRECTORY_ENTRY = b"PK\x01\x02"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 1
_DAMAGED = (OSError, EOFError, ValueError, NotImplementedError, RuntimeError)


class ArchiveError(ValueError):
    """An archive that is damaged, too large or ambiguous; the message is fit to be shown."""


def unpack(data: bytes, suffixes: Sequence[str], most_bytes: int) -> bytes:
    """The one file in a zip or gzip archive whose name ends in one of `suffixes`, in small letters.

    Whatever is no archive comes back as it is. No more than `most_bytes` are unpacked. Raises
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
        raise ArchiveError(
            "The archive is damaged: pack the file again, or choose it unpacked."
        ) from None
    return data


def _from_zip(data: bytes, suffixes: Sequence[str], most_bytes: int) -> bytes:
    # counted before the library reads the directory, whose entries cost it far more memory
    if data.count(_DIRECTORY_ENTRY) > MOST_ENTRIES:
        raise ArchiveError(f"The archive has more than {MOST_ENTRIES} entries: choose one file.")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [entry for entry in archive.infolist() if _is_wanted(entry.filename, suffixes)]
        if len(entries) != 1:
            contents = f"{len(entries)} files" if entries else "no file"
            raise ArchiveError(
                f"The archive has {contents} ending in {' or '.join(suffixes)}: choose one file."
            )
        (entry,) = entries
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
            raise ArchiveError("The archive is encrypted or packed in a rare way: choose the file.")
        with archive.open(entry) as file:
            return _bounded(file.read, most_bytes)


def _is_wanted(name: str, suffixes: Sequence[str]) -> bool:
    """Whether an entry has such a name; macOS adds `__MACOSX/._name` beside each file."""
    path = PurePosixPath(name)
    return path.suffix.lower() in suffixes and not path.name.startswith(".")


def _bounded(read: Callable[[int], bytes], most_bytes: int) -> bytes:
    content = read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ArchiveError(f"The archive holds more than {most_bytes // 2**20} MiB: export less.")
    return content
