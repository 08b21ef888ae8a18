"""`doctor slides`: the slides in a folder, whether they can be shown, and their properties."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pathviewer.settings import Settings
from pathviewer.slides.companion_files import companion_fault
from pathviewer.slides.errors import SlideError
from pathviewer.slides.file_groups import Candidate, DicomIndex, candidates_of
from pathviewer.slides.folder_scan import Survey, survey_folder
from pathviewer.slides.readers import tasks
from pathviewer.slides.readers.pool import ReaderPool, Urgency
from pathviewer.slides.slide_examination import SlideExamination

_MOST_LINES = 100
"""Most passed-over files in the table; the JSON object has all."""

_MIRAX = ".mrxs"


@dataclass(frozen=True)
class SlideReport:
    """Examination of one slide, or the reason why it cannot be shown."""

    file: str
    """Path relative to the folder."""

    fault: str | None
    """Why it cannot be shown, `None` if it can."""

    found: SlideExamination | None
    """Properties of the slide, `None` if it cannot be shown."""


@dataclass(frozen=True)
class PassedOver:
    """A file or hidden folder that is no slide; not a fault."""

    file: str
    """Path relative to the folder."""

    reason: str
    """A sentence that begins with the path."""


@dataclass(frozen=True)
class FolderReport:
    """Everything in a folder."""

    slides: Sequence[SlideReport]
    """Slides, and files that look like slides but cannot be shown."""

    passed_over: Sequence[PassedOver]
    """All other files."""

    @property
    def has_faults(self) -> bool:
        """Whether a slide cannot be shown."""
        return any(report.fault is not None for report in self.slides)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return asdict(self)


def examine_folder(folder: Path, settings: Settings) -> FolderReport:
    """Examine every slide of a folder in reader processes. Raises OSError."""
    survey = survey_folder(folder, all_files=True)
    readers = ReaderPool(settings, folders=(folder,))
    try:
        candidates = candidates_of(survey.files, DicomIndex(readers))
        slides = [_examine(candidate, folder, readers) for candidate in candidates]
    finally:
        readers.close()
    rejected = [
        SlideReport(entry.relative_path, f"{entry.relative_path} {entry.reason}.", None)
        for entry in survey.rejected
    ]
    return FolderReport([*slides, *rejected], list(_passed_over(survey, candidates)))


def _examine(candidate: Candidate, folder: Path, readers: ReaderPool) -> SlideReport:
    file = candidate.members[0]
    name = file.relative_path
    try:
        fault = companion_fault(file.path, folder)
        if fault is not None:
            return SlideReport(name, f"{name} {fault}.", None)
        future = readers.submit(
            Urgency.intake, "", file.path, name, tasks.examine_slide, file.path, name
        )
        return SlideReport(name, None, future.result())
    except SlideError as error:
        return SlideReport(name, str(error), None)
    except OSError as error:
        return SlideReport(name, f"{name} cannot be read: {error.strerror}.", None)


def _passed_over(survey: Survey, candidates: Sequence[Candidate]) -> Iterator[PassedOver]:
    """Yield the files that are no slides by themselves, sorted by path."""
    indexes = {
        file.relative_path.removesuffix(file.path.suffix): file.relative_path
        for file in survey.files
        if file.path.suffix.lower() == _MIRAX
    }
    members = {file.path for candidate in candidates for file in candidate.members}
    reasons = {entry.relative_path: entry.reason for entry in survey.passed_over}
    reasons |= {file.relative_path: "" for file in survey.files if file.path not in members}
    for path, reason in sorted(reasons.items()):
        owners = [indexes.get(parent.as_posix()) for parent in Path(path).parents]
        owner = next((owner for owner in owners if owner), None)
        yield PassedOver(path, f"{path} {f'belongs to {owner}' if owner else reason}.")


def table(report: FolderReport) -> Iterator[str]:
    """Yield the report as lines of text."""
    if not report.slides:
        yield "No slide was found."
    for slide in report.slides:
        if slide.found is None:
            yield f"not shown  {slide.file}: {slide.fault}"
            continue
        size = f"{slide.found.width} x {slide.found.height} px"
        yield f"shown      {slide.file}: {size}, {slide.found.vendor}"
        yield from (f"           {name}: {text}" for name, text in _properties(slide.found))
    for entry in report.passed_over[:_MOST_LINES]:
        yield f"passed     {entry.reason}"
    more = len(report.passed_over) - _MOST_LINES
    if more > 0:
        yield f"passed     and {more} more, which --json lists"
    shown_count = sum(slide.found is not None for slide in report.slides)
    yield f"{shown_count} of {len(report.slides)} can be shown."


def _properties(examination: SlideExamination) -> Iterator[tuple[str, str]]:
    """Yield names and words of a slide's properties."""
    yield "scale", examination.scale
    yield "pixels", examination.pixel_note or "8-bit colour"
    yield "colour profile", examination.colour_profile or "none"
    yield "other pictures", ", ".join(examination.associated_images) or "none"
    yield from (("page passed over", page) for page in examination.unused_pages)
    yield "may name a patient", "; ".join(examination.patient_tags) or "no tag known here"
