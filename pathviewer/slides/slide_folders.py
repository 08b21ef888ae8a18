"""The configured slide folders and the slides in them."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pathviewer.slides import user_messages
from pathviewer.slides.file_groups import Candidate, DicomIndex, candidates_of
from pathviewer.slides.file_signature import FirstBytes
from pathviewer.slides.folder_scan import FoundFile, Survey, found_beside, is_hidden, survey_folder
from pathviewer.slides.folder_timeout import FolderCalls, present
from pathviewer.slides.intake_opener import DirectOpener


@dataclass(frozen=True)
class RejectedFile:
    """A file in the folders that is not shown as a slide."""

    name: str
    """The file's path in its folder if the settings show names, otherwise the folder."""

    reason: str
    """A sentence for the administrator, without a path."""


@dataclass(frozen=True)
class Place:
    """A slide's folder and path in the database."""

    folder: str
    relative_path: str

    @property
    def path(self) -> Path:
        """The file to open."""
        return Path(self.folder, self.relative_path)


@dataclass(frozen=True)
class FoundSlide:
    """A candidate slide with its place."""

    place: Place
    candidate: Candidate
    paths: tuple[Path, ...]
    label: str
    """Name in messages."""

    alias: str | None
    """Initial alias, `None` for a numbered one."""


@dataclass(frozen=True)
class FoldersSurvey:
    """Result of a scan of all folders."""

    slides: list[FoundSlide]
    """Each file once, in folder order."""

    rejected: list[RejectedFile]
    """Unavailable folders, and rejected entries of the others."""

    away: frozenset[str]
    """Folders that could not be read; they may only be disconnected."""


@dataclass(frozen=True)
class SlideFolders:
    """The configured folders, in order."""

    paths: Sequence[Path]
    """Scanned with their subfolders."""

    show_file_names: bool = False
    """Whether messages may name files, which may name patients."""

    uploads: Path | None = None
    """The folder of uploads."""

    demo: Path | None = None
    """The folder of the demo slide."""

    dicom: DicomIndex = field(default_factory=lambda: DicomIndex(DirectOpener()))
    """Series of DICOM files."""

    calls: FolderCalls = field(default_factory=FolderCalls, kw_only=True)
    """Calls that access a folder, which may be on a network share that does not answer."""

    _real: dict[Path, Path] = field(default_factory=dict, init=False)
    """Real path of each folder, symbolic links resolved, as last known."""

    _first_bytes: FirstBytes = field(default_factory=FirstBytes, init=False)
    """Types of files with unknown extensions."""

    _filled: dict[Path, tuple[int, int]] = field(default_factory=dict, init=False)
    """Device and inode of each folder when it last had files."""

    def survey_all(self, known_places: Collection[Place]) -> FoldersSurvey:
        """Scan all folders; one that cannot be read does not affect the others."""
        slides: dict[Path, FoundSlide] = {}
        rejected_files: list[RejectedFile] = []
        away = set()
        surveys = self.calls.calls(
            "look", {each: partial(self._survey, each) for each in self.paths}
        )
        for folder in self.paths:
            where = self._where(folder)
            try:
                root, survey = surveys[folder]()
                candidates = candidates_of(survey.files, self.dicom)
            except OSError as error:
                away.add(str(self._root(folder)))
                rejected_files.append(_away(where, error))
                continue
            for entry in survey.rejected:
                name = self._label(entry.relative_path, where)
                rejected_files.append(
                    RejectedFile(name, user_messages.file_fault(name, entry.reason))
                )
            for candidate in candidates:
                slide = self._place_slide(root, candidate, where, known_places)
                slides.setdefault(slide.paths[0], slide)
        return FoldersSurvey(list(slides.values()), rejected_files, frozenset(away))

    def survey_file(self, path: Path, known_places: Collection[Place]) -> FoundSlide | None:
        """Return the slide that a file belongs to, as `survey_all` would; reads no other folder.

        `None` if the file is hidden or in none of the folders. Raises OSError.
        """
        real = Path(os.path.realpath(path))
        for where, root in self._roots():
            if real.is_relative_to(root) and not is_hidden(real.relative_to(root)):
                for candidate in candidates_of(found_beside(root, real), self.dicom):
                    if real in {member.path for member in candidate.members}:
                        return self._place_slide(root, candidate, where, known_places)
        return None

    def away(self) -> frozenset[str]:
        """Return folders that do not exist now, without reading any."""
        there = {folder for folder, _, _ in present(self.calls, self.paths)}
        return frozenset(str(self._root(folder)) for folder in self.paths if folder not in there)

    def _survey(self, folder: Path) -> tuple[Path, Survey]:
        root = self._real[folder] = Path(os.path.realpath(folder))
        survey = survey_folder(root, self._first_bytes)
        self._check_mounted(root, survey)
        return root, survey

    def _check_mounted(self, root: Path, survey: Survey) -> None:
        """Raise OSError if a folder with slides was replaced by another one without any."""
        status = root.stat()
        identity = status.st_dev, status.st_ino
        if survey.files:
            self._filled[root] = identity
        elif self._filled.get(root, identity) != identity:
            raise OSError(errno.ENODEV, user_messages.DRIVE_NOT_MOUNTED)

    def _root(self, folder: Path) -> Path:
        """Return a folder's real path, or the last known one if it does not answer."""
        if folder not in self._real:
            try:
                real = self.calls.call("path", folder, partial(os.path.realpath, folder))
            except OSError:
                return folder.absolute()
            self._real[folder] = Path(real)
        return self._real[folder]

    def _where(self, folder: Path) -> str:
        """Return a folder's name in messages."""
        fixed_name = {
            self.uploads: user_messages.UPLOADS_FOLDER,
            self.demo: user_messages.DEMO_FOLDER,
        }.get(folder)
        return fixed_name or user_messages.slide_folder(self.paths.index(folder) + 1)

    def _roots(self) -> Iterator[tuple[str, Path]]:
        for folder in self.paths:
            yield self._where(folder), self._root(folder)

    def _place_slide(
        self, root: Path, candidate: Candidate, where: str, known_places: Collection[Place]
    ) -> FoundSlide:
        """Place a slide at a known file of its series, so that new files do not move it."""

        def place(file: FoundFile) -> Place:
            return Place(str(root), file.relative_path)

        members = sorted(candidate.members, key=lambda file: place(file) not in known_places)
        label = self._label(members[0].relative_path, where)
        paths = tuple(member.path for member in members)
        return FoundSlide(place(members[0]), candidate, paths, label, self._alias(paths[0]))

    def _label(self, relative_path: str, where: str) -> str:
        """Return a file's name in messages, which tells it from all others if names are shown."""
        if not self.show_file_names:
            return user_messages.file_in_folder(where)
        own = (user_messages.UPLOADS_FOLDER, user_messages.DEMO_FOLDER)
        if where in own:  # each upload is in a folder of a meaningless name
            return Path(relative_path).name
        named = [folder for folder in self.paths if self._where(folder) not in own]
        return user_messages.path_in_folder(relative_path, where) if named[1:] else relative_path

    def _alias(self, path: Path) -> str | None:
        """Return the demo slide's name, which is safe to show, as it names no patient."""
        if self.demo is None or not path.is_relative_to(os.path.realpath(self.demo)):
            return None
        return "Phantom" if path.name.startswith("phantom-") else path.stem


def _away(where: str, error: OSError) -> RejectedFile:
    return RejectedFile(where, user_messages.slide_folder_unreadable(where, error.strerror))
