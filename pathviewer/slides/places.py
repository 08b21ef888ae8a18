"""Where slides are: the folders that were set, and what each of them holds."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pathviewer.slides.file_groups import Candidate, DicomIndex, candidates_of
from pathviewer.slides.opener import DirectOpener
from pathviewer.slides.scan import FoundFile, found_beside, is_hidden, survey_folder


@dataclass(frozen=True)
class RejectedFile:
    """A file in the folders that is not shown as a slide."""

    name: str
    """The file's name if the settings show names, else in which folder it is."""

    reason: str
    """A sentence for the administrator, without a path."""


@dataclass(frozen=True)
class Place:
    """Where the database says a slide is."""

    folder: str
    relative_path: str

    @property
    def path(self) -> Path:
        """The file that is opened."""
        return Path(self.folder, self.relative_path)


@dataclass(frozen=True)
class Found:
    """A candidate with its place."""

    place: Place
    candidate: Candidate
    paths: tuple[Path, ...]
    label: str
    """What messages call it."""

    alias: str | None
    """What it is called when first seen, `None` for a number."""


@dataclass(frozen=True)
class Look:
    """What one look through all folders found."""

    found: list[Found]
    """Each file once, the first folder's first."""

    refused: list[RejectedFile]
    """Folders that are away, and what is kept out of the others."""

    away: frozenset[str]
    """Folders that could not be read; they may only be disconnected."""


@dataclass(frozen=True)
class Folders:
    """The folders that were set, in their order."""

    paths: Sequence[Path]
    """Read with the folders in them."""

    show_file_names: bool = False
    """Whether messages may name files, which may name patients."""

    uploads: Path | None = None
    """Which of them holds uploads."""

    demo: Path | None = None
    """Which of them holds the demo slide."""

    dicom: DicomIndex = field(default_factory=lambda: DicomIndex(DirectOpener()))
    """Which files are of one DICOM series."""

    def look(self, known: Collection[Place]) -> Look:
        """Look through all; one that cannot be read does not keep the others from being read."""
        found: dict[Path, Found] = {}
        refused: list[RejectedFile] = []
        away = set()
        for where, root in self._roots():
            try:
                survey = survey_folder(root)
                candidates = candidates_of(survey.files, self.dicom)
            except OSError as error:
                away.add(str(root))
                refused.append(_away(where, error))
                continue
            for kept_out in survey.refused:
                name = self._label(kept_out.name, where)
                refused.append(RejectedFile(name, f"{name} {kept_out.reason}."))
            for candidate in candidates:
                one = self._placed(root, candidate, where, known)
                found.setdefault(one.paths[0], one)
        return Look(list(found.values()), refused, frozenset(away))

    def look_at(self, path: Path, known: Collection[Place]) -> Found | None:
        """The one slide that a file belongs to, as `look` would find it; reads no other folder.

        `None` if the file is in no folder or hidden. Raises OSError.
        """
        real = Path(os.path.realpath(path))
        for where, root in self._roots():
            if real.is_relative_to(root) and not is_hidden(real.relative_to(root)):
                for candidate in candidates_of(found_beside(root, real), self.dicom):
                    if real in {member.path for member in candidate.members}:
                        return self._placed(root, candidate, where, known)
        return None

    def away(self) -> frozenset[str]:
        """Folders that are not there now; looks into none."""
        # unlike Path.is_dir, this is False where a dead drive gives an error
        return frozenset(str(root) for _, root in self._roots() if not os.path.isdir(root))  # noqa: PTH112

    def _roots(self) -> Iterator[tuple[str, Path]]:
        for number, folder in enumerate(self.paths, 1):
            where = {self.uploads: "the uploads", self.demo: "the demo folder"}.get(folder)
            yield where or f"folder {number}", Path(os.path.realpath(folder))

    def _placed(
        self, root: Path, candidate: Candidate, where: str, known: Collection[Place]
    ) -> Found:
        """A series stays at the file it was first registered with, whatever joins it."""

        def place(file: FoundFile) -> Place:
            return Place(str(root), file.relative_path)

        members = sorted(candidate.members, key=lambda file: place(file) not in known)
        label = self._label(Path(members[0].relative_path).name, where)
        paths = tuple(member.path for member in members)
        return Found(place(members[0]), candidate, paths, label, self._alias(paths[0]))

    def _label(self, name: str, where: str) -> str:
        return name if self.show_file_names else f"A file in {where}"

    def _alias(self, path: Path) -> str | None:
        """The demo slide is no patient's, so that its file's name may be shown."""
        if self.demo is None or not path.is_relative_to(os.path.realpath(self.demo)):
            return None
        return "Phantom" if path.name.startswith("phantom-") else path.stem


def _away(where: str, error: OSError) -> RejectedFile:
    reason = f"{where[0].upper()}{where[1:]} cannot be read ({error.strerror})"
    return RejectedFile(where, f"{reason}: connect the drive or correct the settings.")
