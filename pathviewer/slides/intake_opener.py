"""Openers of new files: in this process or in reader processes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from pathviewer.slides import dicom_reader
from pathviewer.slides.slide_facts import SlideFacts, read_facts

DicomIdentity = tuple[str | None, str | None]
"""SeriesInstanceUID and SOPInstanceUID of a DICOM file; `None` for missing ones."""


LIBRARY = "library"
"""Requester of work on files in the slide folders."""


class Opener(Protocol):
    """Opens files; thread-safe."""

    def facts(self, path: Path, name: str, requester: str = LIBRARY) -> SlideFacts:
        """Return the facts stated in a slide's file; `name` is its name in messages.

        `requester` is an account's id; the work of different requesters takes turns. Raises
        SlideError.
        """

    def dicom_identity(self, path: Path, requester: str = LIBRARY) -> DicomIdentity:
        """Return the series and instance of a file. Raises SlideError."""

    def hold_one_export(self, paths: Sequence[Path], requester: str = LIBRARY) -> bool:
        """Return whether the DICOM files of a series may all be of one export."""


class DirectOpener:
    """Opens files in this process: for commands, which people run on their own files."""

    def facts(self, path: Path, name: str, requester: str = LIBRARY) -> SlideFacts:  # noqa: ARG002
        """See `Opener`."""
        return read_facts(path, name)

    def dicom_identity(self, path: Path, requester: str = LIBRARY) -> DicomIdentity:  # noqa: ARG002
        """See `Opener`."""
        return dicom_reader.identity_in(path)

    def hold_one_export(self, paths: Sequence[Path], requester: str = LIBRARY) -> bool:  # noqa: ARG002
        """See `Opener`."""
        return dicom_reader.hold_one_export(paths)
