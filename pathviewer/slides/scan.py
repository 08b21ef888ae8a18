"""Which files of a folder may be slides: never one outside the folder, never a hidden one."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

SUFFIXES = frozenset(
    ".svs .tif .tiff .ndpi .mrxs .scn .bif .vms .vmu .svslide .czi .dcm".split()  # noqa: SIM905
)
"""Endings of the formats that OpenSlide knows, in small letters."""


@dataclass(frozen=True)
class Stamp:
    """Tells a file that changed from one that did not."""

    size: int
    """In bytes; of all files together where a slide consists of several."""

    changed_ns: int
    """Time of the last change of content, name or permissions, in nanoseconds."""


@dataclass(frozen=True)
class FoundFile:
    """A file that may be a slide."""

    path: Path
    """Where it really is, symbolic links followed."""

    relative_path: str
    """Its place in the folder as one sees it there, with forward slashes."""

    stamp: Stamp
    """Its state when it was found."""


@dataclass(frozen=True)
class Refused:
    """Something that is kept out."""

    name: str
    """Its own name, without the folders above it."""

    reason: str
    """The end of a sentence that begins with the name."""


@dataclass
class Survey:
    """What a folder holds."""

    files: list[FoundFile] = field(default_factory=list)
    """Sorted by relative path; each real file once."""

    refused: list[Refused] = field(default_factory=list)
    """Links that lead out of the folder, and what cannot be read."""


def may_be_slide(name: str) -> bool:
    """Whether a file of this name is looked at."""
    return not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES


def survey_folder(folder: Path) -> Survey:
    """Look through a folder and the folders in it; opens no file.

    Links are followed only where they stay within the folder, and after all else, so that a file
    and a link to it are one file. Raises OSError if the folder itself cannot be read; a folder in
    it that cannot is refused.
    """
    walk = _Walk(Path(os.path.realpath(folder)))
    walk.enter(walk.root, walk.root)
    while walk.links:
        walk.follow(walk.links.pop(0))
    files = sorted(walk.files.values(), key=lambda file: file.relative_path)
    return Survey(files, walk.refused)


def found_beside(root: Path, path: Path) -> list[FoundFile]:
    """One file in a folder, and what may be of the same DICOM series; opens none.

    Raises OSError.
    """
    paths = [path]
    if path.suffix.lower() == ".dcm":
        beside = sorted(path.parent.iterdir())
        paths = [one for one in beside if one.suffix.lower() == ".dcm" and _is_plain(one)]
    return [FoundFile(one, one.relative_to(root).as_posix(), stamp_of(one.stat())) for one in paths]


def is_hidden(relative: Path) -> bool:
    """Whether a file, or a folder it is in, is passed over."""
    return any(part.startswith(".") for part in relative.parts)


def _is_plain(path: Path) -> bool:
    return may_be_slide(path.name) and not path.is_symlink() and path.is_file()


def stamp_of(status: os.stat_result) -> Stamp:
    """The stamp of one file."""
    return Stamp(status.st_size, max(status.st_mtime_ns, status.st_ctime_ns))


class _Walk:
    """The state of one look through a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: dict[Path, FoundFile] = {}
        self.refused: list[Refused] = []
        self.links: list[Path] = []
        self._entered: set[Path] = set()

    def enter(self, shown: Path, real: Path) -> None:
        """Look through a folder that is really at `real` and is seen at `shown`."""
        pending = [(shown, real)]
        while pending:
            shown, real = pending.pop()
            if real in self._entered:
                continue
            self._entered.add(real)
            for entry in self._entries(real):
                try:
                    if entry.is_symlink():
                        self.links.append(shown / entry.name)
                    elif entry.is_dir():
                        pending.append((shown / entry.name, real / entry.name))
                    elif entry.is_file() and may_be_slide(entry.name):
                        self._add(shown / entry.name, real / entry.name)
                except OSError as error:
                    self._refuse(entry.name, error)

    def follow(self, link: Path) -> None:
        """Take in what a link points to, unless that is outside the folder."""
        try:
            real = Path(os.path.realpath(link, strict=True))
            is_folder, is_file = real.is_dir(), real.is_file()
        except OSError:
            if may_be_slide(link.name):
                self.refused.append(Refused(link.name, "is a link to a file that is not there"))
            return
        if not is_folder and not (is_file and may_be_slide(link.name)):
            return
        if not real.is_relative_to(self.root):
            reason = "is a link that leads out of the folder; put the file itself there"
            self.refused.append(Refused(link.name, reason))
        elif is_folder:
            self.enter(link, real)
        else:
            self._add(link, real)

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                shown = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            if folder == self.root:
                raise
            reason = f"is a folder that cannot be read: {error.strerror}"
            self.refused.append(Refused(folder.name, reason))
            return []
        return sorted(shown, key=lambda entry: entry.name)

    def _add(self, shown: Path, real: Path) -> None:
        relative_path = shown.relative_to(self.root).as_posix()
        try:
            relative_path.encode()
            stamp = stamp_of(real.stat())
        except UnicodeEncodeError:
            self.refused.append(Refused("a file", "has a name that is not UTF-8; rename it"))
        except OSError as error:
            self._refuse(shown.name, error)
        else:
            self.files.setdefault(real, FoundFile(real, relative_path, stamp))

    def _refuse(self, name: str, error: OSError) -> None:
        self.refused.append(Refused(name, f"cannot be read: {error.strerror}"))
