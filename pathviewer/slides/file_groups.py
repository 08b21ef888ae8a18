"""Files that together are one slide: DICOM series, MIRAX and Hamamatsu VMS."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cachetools import LRUCache

from pathviewer.slides.dicom_reader import series_in
from pathviewer.slides.scan import FoundFile, Stamp, stamp_of

ReadSeries = Callable[[Path], str | None]

_MOST_SERIES = 100_000
"""Files whose series is remembered."""

COMPANIONS = (".mrxs", ".vms", ".vmu")
"""Endings of index files, whose pixels are in other files."""


@dataclass(frozen=True)
class Candidate:
    """What is opened as one slide."""

    members: tuple[FoundFile, ...]
    """Files any of which OpenSlide opens as the whole; several in a DICOM series only."""

    stamp: Stamp
    """Of all its files, those included that are not members."""


class SeriesIndex:
    """The DICOM series of files, each read once; for any thread."""

    def __init__(self, read: ReadSeries = series_in) -> None:
        """`read` gives the SeriesInstanceUID of a file, `None` if it has none."""
        self._read = read
        self._lock = threading.Lock()
        self._known: LRUCache[tuple[Path, Stamp], str | None] = LRUCache(_MOST_SERIES)

    def of(self, file: FoundFile) -> str | None:
        """The series of a file; `None` if it has none or is no DICOM file."""
        if _suffix(file) != ".dcm":
            return None
        key = file.path, file.stamp
        with self._lock:
            if key in self._known:
                return self._known[key]
        series = self._read(file.path)
        with self._lock:
            self._known[key] = series
        return series


def candidates_of(files: Sequence[FoundFile], series: SeriesIndex) -> list[Candidate]:
    """The slides that the files of one folder may be, in their order, each once."""
    mirax_folders = {file.path.with_suffix("") for file in files if _suffix(file) == ".mrxs"}
    groups: dict[object, list[FoundFile]] = {}
    for file in files:
        if mirax_folders.isdisjoint(file.path.parents):
            groups.setdefault(_group_key(file, series), []).append(file)
    return [_candidate(tuple(members)) for members in groups.values()]


def _suffix(file: FoundFile) -> str:
    return file.path.suffix.lower()


def _group_key(file: FoundFile, series: SeriesIndex) -> object:
    uid = series.of(file)
    return (file.path.parent, uid) if uid else file.path


def _candidate(members: tuple[FoundFile, ...]) -> Candidate:
    stamps = [member.stamp for member in members]
    if _suffix(members[0]) in COMPANIONS:
        stamps += _companion_stamps(members[0].path)
    return Candidate(members, _together(stamps))


def _together(stamps: Iterable[Stamp]) -> Stamp:
    every = tuple(stamps)
    return Stamp(sum(stamp.size for stamp in every), max(stamp.changed_ns for stamp in every))


def _companion_stamps(index: Path) -> list[Stamp]:
    """Stamps of the files that an index file may refer to; they may still be being copied."""
    folder = index.with_suffix("") if index.suffix.lower() == ".mrxs" else index.parent
    try:
        return [stamp_of(path.stat()) for path in folder.iterdir() if path.is_file()]
    except OSError:
        return []
