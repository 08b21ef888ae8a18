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
from pathviewer.slides.folder_scan import survey_folder
from pathviewer.slides.readers import tasks
from pathviewer.slides.readers.pool import ReaderPool, Urgency
from pathviewer.slides.slide_examination import SlideExamination


@dataclass(frozen=True)
class SlideReport:
    """Examination of one slide, or the reason why it cannot be shown."""

    file: str
    """Path relative to the folder."""

    fault: str | None
    """Why it cannot be shown, `None` if it can."""

    found: SlideExamination | None
    """Properties of the slide, `None` if it cannot be shown."""

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return asdict(self)


def examine_slides(folder: Path, settings: Settings) -> Iterator[SlideReport]:
    """Examine every slide of a folder in reader processes. Raises OSError."""
    survey = survey_folder(folder)
    readers = ReaderPool(settings, folders=(folder,))
    try:
        for candidate in candidates_of(survey.files, DicomIndex(readers)):
            yield _examine(candidate, folder, readers)
    finally:
        readers.close()
    for refused in survey.rejected:
        yield SlideReport(refused.name, f"{refused.name} {refused.reason}.", None)


def _examine(candidate: Candidate, folder: Path, readers: ReaderPool) -> SlideReport:
    file = candidate.members[0]
    name = Path(file.relative_path).name
    try:
        fault = companion_fault(file.path, folder)
        if fault is not None:
            return SlideReport(file.relative_path, f"{name} {fault}.", None)
        future = readers.submit(
            Urgency.intake, "", file.path, name, tasks.examine_slide, file.path, name
        )
        return SlideReport(file.relative_path, None, future.result())
    except SlideError as error:
        return SlideReport(file.relative_path, str(error), None)
    except OSError as error:
        return SlideReport(file.relative_path, f"{name} cannot be read: {error.strerror}.", None)


def table(reports: Sequence[SlideReport]) -> Iterator[str]:
    """Yield the reports as lines of text."""
    if not reports:
        yield "No slide was found."
    for report in reports:
        if report.found is None:
            yield f"not shown  {report.file}: {report.fault}"
            continue
        examination = report.found
        size = f"{examination.width} x {examination.height} px"
        yield f"shown      {report.file}: {size}, {examination.vendor}"
        lines = {
            "scale": examination.scale,
            "pixels": examination.pixel_note or "8-bit colour",
            "colour profile": examination.colour_profile or "none",
            "other pictures": ", ".join(examination.associated_images) or "none",
            "may name a patient": "; ".join(examination.patient_tags) or "no tag known here",
        }
        yield from (f"           {name}: {text}" for name, text in lines.items())
    shown_count = sum(report.found is not None for report in reports)
    yield f"{shown_count} of {len(reports)} can be shown."
