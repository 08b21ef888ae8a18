"""Groups of files that form one slide: DICOM series, MIRAX and Hamamatsu VMS."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cachetools import LRUCache

from pathviewer.slides.errors import ReadersBusy, SlideError
from pathviewer.slides.folder_scan import FoundFile, Stamp, stamp_of
from pathviewer.slides.intake_opener import DicomIdentity, Opener

_MOST_IDENTITIES = 100_000
"""Most files whose series is cached."""

COMPANIONS = (".mrxs", ".vms", ".vmu")
"""Extensions of index files, whose pixels are in other files."""


@dataclass(frozen=True)
class Candidate:
    """Files that are opened as one slide."""

    members: tuple[FoundFile, ...]
    """Files any of which OpenSlide opens as the whole slide; only DICOM series have several."""

    stamp: Stamp
    """Stamp of all its files, including those that are not members."""

    instances: frozenset[str] = frozenset()
    """SOPInstanceUIDs of its DICOM files, which distinguish exports of one series."""


class DicomIndex:
    """Cache of the series of DICOM files; thread-safe."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._lock = threading.Lock()
        self._known: LRUCache[tuple[Path, Stamp], DicomIdentity] = LRUCache(_MOST_IDENTITIES)

    def identity(self, file: FoundFile) -> DicomIdentity:
        """Return series and instance of a file; `None` for both if it is not DICOM.

        Raises OSError if no readers are available.
        """
        if not file.is_dicom:
            return None, None
        key = file.path, file.stamp
        with self._lock:
            if key in self._known:
                return self._known[key]
        try:
            identity = self._opener.dicom_identity(file.path)
        except ReadersBusy as error:
            # the series is unknown for now, not missing
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from error
        except SlideError:
            return None, None
        with self._lock:
            self._known[key] = identity
        return identity


def candidates_of(files: Sequence[FoundFile], dicom: DicomIndex) -> list[Candidate]:
    """Return the candidate slides in the files of one folder, each once, in file order."""
    mirax_folders = {file.path.with_suffix("") for file in files if _suffix(file) == ".mrxs"}
    groups: dict[object, list[FoundFile]] = {}
    for file in files:
        if mirax_folders.isdisjoint(file.path.parents):
            groups.setdefault(_group_key(file, dicom), []).append(file)
    return [_candidate(tuple(members), dicom) for members in groups.values()]


def _suffix(file: FoundFile) -> str:
    return file.path.suffix.lower()


def _group_key(file: FoundFile, dicom: DicomIndex) -> object:
    series, _ = dicom.identity(file)
    return (file.path.parent, series) if series else file.path


def _candidate(members: tuple[FoundFile, ...], dicom: DicomIndex) -> Candidate:
    stamps = [member.stamp for member in members]
    instance_ids = (dicom.identity(member)[1] for member in members)
    instances = frozenset(instance for instance in instance_ids if instance)
    if _suffix(members[0]) in COMPANIONS:
        stamps += _companion_stamps(members[0].path)
    return Candidate(members, _together(stamps), instances)


def _together(stamps: Iterable[Stamp]) -> Stamp:
    every = tuple(stamps)
    return Stamp(sum(stamp.size for stamp in every), max(stamp.changed_ns for stamp in every))


def _companion_stamps(index: Path) -> list[Stamp]:
    """Return stamps of the files an index file may refer to, which may still be being copied."""
    folder = index.with_suffix("") if index.suffix.lower() == ".mrxs" else index.parent
    try:
        return [stamp_of(path.stat()) for path in folder.iterdir() if path.is_file()]
    except OSError:
        return []
