"""Files that together are one slide: DICOM series, MIRAX and Hamamatsu VMS."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pathviewer.slides.dicom_reader import series_in
from pathviewer.slides.scan import FoundFile, Stamp, stamp_of

COMPANIONS = (".mrxs", ".vms", ".vmu")
"""Endings of index files, whose pixels are in other files."""


@dataclass(frozen=True)
class Candidate:
    """What is opened as one slide."""

    members: tuple[FoundFile, ...]
    """Files any of which OpenSlide opens as the whole; several in a DICOM series only."""

    stamp: Stamp
    """Of all its files, those included that are not members."""


def candidates_of(files: Sequence[FoundFile]) -> list[Candidate]:
    """The slides that the files of one folder may be, in their order, each once."""
    mirax_folders = {file.path.with_suffix("") for file in files if _suffix(file) == ".mrxs"}
    groups: dict[object, list[FoundFile]] = {}
    for file in files:
        if mirax_folders.isdisjoint(file.path.parents):
            groups.setdefault(_group_key(file), []).append(file)
    return [_candidate(tuple(members)) for members in groups.values()]


def _suffix(file: FoundFile) -> str:
    return file.path.suffix.lower()


def _group_key(file: FoundFile) -> object:
    series = series_of(file.path, file.stamp) if _suffix(file) == ".dcm" else None
    return (file.path.parent, series) if series else file.path


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


@lru_cache(maxsize=100_000)
def series_of(path: Path, stamp: Stamp) -> str | None:  # noqa: ARG001 - the stamp is for the cache
    """The SeriesInstanceUID of a DICOM file; None if it has none or is no DICOM file."""
    return series_in(path)
