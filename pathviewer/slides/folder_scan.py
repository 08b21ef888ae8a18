"""Scan of a folder for possible slides; skips hidden files and files outside the folder."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from pathviewer.slides import user_messages
from pathviewer.slides.file_extensions import fault_of_ending, is_dicom_index, may_be_slide
from pathviewer.slides.file_signature import FileKind, FirstBytes


@dataclass(frozen=True)
class Stamp:
    """Size and time of change, which show whether a file has changed."""

    size: int
    """In bytes; the total if a slide consists of several files."""

    changed_ns: int
    """Time of the last change of content, name or permissions, in nanoseconds."""


@dataclass(frozen=True)
class FoundFile:
    """A file that may be a slide."""

    path: Path
    """Real path, symbolic links resolved."""

    relative_path: str
    """Path in the folder before links are resolved, with forward slashes."""

    stamp: Stamp
    """State of the file when it was found."""

    is_dicom: bool = False
    """Whether it is a DICOM file by its extension or first bytes."""


@dataclass(frozen=True)
class RejectedEntry:
    """A file or folder that was rejected or passed over."""

    relative_path: str
    """Path in the folder before links are resolved, with forward slashes."""

    reason: str
    """The end of a sentence that begins with the path."""


@dataclass
class Survey:
    """Result of a folder scan."""

    files: list[FoundFile] = field(default_factory=list)
    """Sorted by relative path; each real file once."""

    rejected: list[RejectedEntry] = field(default_factory=list)
    """Links out of the folder, unreadable entries, and slides that cannot be shown."""

    passed_over: list[RejectedEntry] = field(default_factory=list)
    """Hidden entries and files that are no slides, if they were asked for."""


def survey_folder(
    folder: Path, first_bytes: FirstBytes | None = None, *, all_files: bool = False
) -> Survey:
    """Scan a folder and its subfolders; `all_files` lists those that are passed over as well.

    Files whose extension is not a slide's are opened for their first bytes, once for as long as
    `first_bytes` caches them; TIFF and DICOM files may be slides whatever their name.

    Links are followed only if they stay within the folder, and after everything else, so that a
    file and a link to it are one file. Raises OSError if the folder itself cannot be read; an
    unreadable subfolder is rejected.
    """
    walk = _Walk(Path(os.path.realpath(folder)), first_bytes or FirstBytes(), all_files)
    walk.enter(walk.root, walk.root)
    while walk.links:
        walk.follow(walk.links.pop(0))
    files = sorted(walk.files.values(), key=lambda file: file.relative_path)
    return Survey(files, walk.rejected, walk.passed_over)


def found_beside(root: Path, path: Path) -> list[FoundFile]:
    """Return one file, and possible files of its DICOM series in its folder. Raises OSError."""
    first_bytes = FirstBytes()
    file = _found_file(root, path, first_bytes)
    if not file.is_dicom:
        return [file]
    beside = [one for one in sorted(path.parent.iterdir()) if _is_plain(one)]
    return [
        one for one in (_found_file(root, path, first_bytes) for path in beside) if one.is_dicom
    ]


def is_hidden(relative: Path) -> bool:
    """Return whether a file or one of its folders is hidden."""
    return any(part.startswith(".") for part in relative.parts)


def _is_plain(path: Path) -> bool:
    """Return whether a file may be part of a slide by its name."""
    passed_over = path.name.startswith(".") or is_dicom_index(path.name)
    return not passed_over and not path.is_symlink() and path.is_file()


def _found_file(root: Path, path: Path, first_bytes: FirstBytes) -> FoundFile:
    stamp = stamp_of(path.stat())
    dicom = _is_dicom(path.name) or (
        not may_be_slide(path.name)
        and first_bytes.kind(path, stamp.size, stamp.changed_ns) == "dicom"
    )
    return FoundFile(path, path.relative_to(root).as_posix(), stamp, dicom)


def _is_dicom(name: str) -> bool:
    return Path(name).suffix.lower() == ".dcm"


def stamp_of(status: os.stat_result) -> Stamp:
    """Return the stamp of one file."""
    return Stamp(status.st_size, max(status.st_mtime_ns, status.st_ctime_ns))


class _Walk:
    """State of one folder scan."""

    def __init__(self, root: Path, first_bytes: FirstBytes, all_files: bool) -> None:
        self.root = root
        self._first_bytes = first_bytes
        self._all_files = all_files
        self.files: dict[Path, FoundFile] = {}
        self.rejected: list[RejectedEntry] = []
        self.passed_over: list[RejectedEntry] = []
        self.links: list[Path] = []
        self._entered: set[Path] = set()

    def enter(self, visible: Path, real: Path) -> None:
        """Scan a folder whose real path is `real` and whose path before links is `visible`."""
        pending = [(visible, real)]
        while pending:
            visible, real = pending.pop()
            if real in self._entered:
                continue
            self._entered.add(real)
            for entry in self._entries(visible, real):
                try:
                    if entry.is_symlink():
                        self.links.append(visible / entry.name)
                    elif entry.is_dir():
                        pending.append((visible / entry.name, real / entry.name))
                    elif entry.is_file():
                        self._take(visible / entry.name, real / entry.name)
                except OSError as error:
                    self._reject_unreadable(visible / entry.name, error)

    def follow(self, link: Path) -> None:
        """Include the target of a link, unless it is outside the folder."""
        try:
            real = Path(os.path.realpath(link, strict=True))
            is_folder, is_file = real.is_dir(), real.is_file()
        except OSError:
            if may_be_slide(link.name):
                self._reject(link, user_messages.BROKEN_LINK)
            return
        if not real.is_relative_to(self.root):
            if is_folder or (is_file and may_be_slide(link.name)):
                self._reject(link, user_messages.LINK_OUT_OF_FOLDER)
        elif is_folder:
            self.enter(link, real)
        elif is_file and real not in self.files and fault_of_ending(link.name) is None:
            self._take(link, real)

    def _take(self, visible: Path, real: Path) -> None:
        """Add a file that may be a slide; reject one that only looks like a slide."""
        name = visible.name
        if may_be_slide(name):
            self._add(visible, real, is_dicom=_is_dicom(name))
            return
        if is_dicom_index(name):
            self._pass_over(visible, user_messages.DICOM_INDEX)
            return
        fault = fault_of_ending(name)
        kind = self._kind(real) if fault in (None, user_messages.ARCHIVE) else "other"
        if kind == "annotations":
            self._pass_over(visible, user_messages.ZIPPED_ANNOTATIONS)
        elif fault is not None:
            self._reject(visible, fault)
        elif kind == "other":
            self._pass_over(visible, user_messages.NO_SLIDE)
        else:
            self._add(visible, real, is_dicom=kind == "dicom")

    def _kind(self, real: Path) -> FileKind:
        """Return the type of a file by its first bytes; `other` if they cannot be read."""
        try:
            stamp = stamp_of(real.stat())
            return self._first_bytes.kind(real, stamp.size, stamp.changed_ns)
        except OSError:
            return "other"

    def _entries(self, visible: Path, real: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(real) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if real == self.root:
                raise
            self._reject(visible, user_messages.folder_unreadable(error.strerror))
            return []
        for entry in found:
            if entry.name.startswith("."):
                self._pass_over(visible / entry.name, user_messages.HIDDEN_ENTRY)
        return [entry for entry in found if not entry.name.startswith(".")]

    def _add(self, visible: Path, real: Path, *, is_dicom: bool) -> None:
        relative_path = visible.relative_to(self.root).as_posix()
        try:
            relative_path.encode()
            stamp = stamp_of(real.stat())
        except UnicodeEncodeError:
            self.rejected.append(
                RejectedEntry(user_messages.NAMELESS_FILE, user_messages.NAME_NOT_UTF8)
            )
        except OSError as error:
            self._reject_unreadable(visible, error)
        else:
            self.files.setdefault(real, FoundFile(real, relative_path, stamp, is_dicom))

    def _reject_unreadable(self, visible: Path, error: OSError) -> None:
        self._reject(visible, user_messages.file_unreadable(error.strerror))

    def _reject(self, visible: Path, reason: str) -> None:
        self.rejected.append(RejectedEntry(self._relative(visible), reason))

    def _pass_over(self, visible: Path, reason: str) -> None:
        if self._all_files:
            self.passed_over.append(RejectedEntry(self._relative(visible), reason))

    def _relative(self, visible: Path) -> str:
        """Return the path in the folder; what is not UTF-8 becomes question marks."""
        return visible.relative_to(self.root).as_posix().encode(errors="replace").decode()
