"""Looking at files that nobody has opened before: in this process, or in readers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from pathviewer.slides import dicom_reader
from pathviewer.slides.slide_facts import SlideFacts, read_facts

DicomIdentity = tuple[str | None, str | None]
"""SeriesInstanceUID and SOPInstanceUID of a DICOM file; `None` for what it lacks."""


LIBRARY = "library"
"""Whose work files in the slide folders are."""


class Opener(Protocol):
    """Opens files; may be used from any thread."""

    def facts(self, path: Path, name: str, requester: str = LIBRARY) -> SlideFacts:
        """What the file of a slide states; `name` is what messages call it. Raises SlideError.

        `requester` is whose work it is, an account's id; they take turns.
        """

    def dicom_identity(self, path: Path, requester: str = LIBRARY) -> DicomIdentity:
        """Which series a file is of, and which instance it is. Raises SlideError."""

    def hold_one_export(self, paths: Sequence[Path], requester: str = LIBRARY) -> bool:
        """Whether the DICOM files of a series may all be of one export."""


class DirectOpener:
    """Opens files in this process: for commands, which one person runs on files of their own."""

    def facts(self, path: Path, name: str, requester: str = LIBRARY) -> SlideFacts:  # noqa: ARG002
        """As of `Opener`."""
        return read_facts(path, name)

    def dicom_identity(self, path: Path, requester: str = LIBRARY) -> DicomIdentity:  # noqa: ARG002
        """As of `Opener`."""
        return dicom_reader.identity_in(path)

    def hold_one_export(self, paths: Sequence[Path], requester: str = LIBRARY) -> bool:  # noqa: ARG002
        """As of `Opener`."""
        return dicom_reader.hold_one_export(paths)
