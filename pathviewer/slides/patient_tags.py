"""Tags of a slide's files that may name a patient. Values are read but never returned."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

import pydicom
import tifffile

from pathviewer.slides.dicom_reader import read_dicom, series_files
from pathviewer.slides.formats.tiff_pages import MOST_PAGES, UNREADABLE_TIFF

_DICOM = (
    "PatientName PatientID PatientBirthDate PatientSex PatientAge OtherPatientIDs PatientAddress "
    "PatientComments IssuerOfPatientID AccessionNumber StudyID StudyDescription StudyDate "
    "ReferringPhysicianName OperatorsName PerformingPhysicianName InstitutionName "
    "InstitutionAddress BarcodeValue LabelText ContainerIdentifier SpecimenDescriptionSequence"
)

_TIFF = {
    269: "DocumentName",
    285: "PageName",
    315: "Artist",
    316: "HostComputer",
    700: "XMP",
    33432: "Copyright",
    33723: "IPTC",
    34377: "Photoshop",
}
"""Tags that programs fill with names of people, machines and files."""

_TELLING = re.compile(
    r"patient|barcode|case|accession|specimen|birth|\bmrn\b|medical.?record|operator|"
    r"physician|doctor|user|author|owner|label|title|filename|slide.?name|slide.?id|\bname\b",
    re.IGNORECASE,
)
_FIELD = re.compile(r"(?:^|[|;\r\n])\s*([A-Za-z][\w .-]{0,40}?)\s*[=:]\s*([^|;\r\n]+)")
_XML_FIELD = re.compile(r"\b([A-Z]\w{0,40})=\"([^\"]+)\"|<([A-Z]\w{0,40})>[^<\s]")
_IMAGE_DESCRIPTION = 270
_MOST_LETTERS = 2**20
_HARMLESS = frozenset({"Name", "ID", "Title"})
"""XML attribute names that are too general."""


def patient_tags(path: Path, properties: dict[str, str]) -> list[str]:
    """Return sorted names of filled tags that may name a patient; never their values.

    `properties` are OpenSlide's, which also cover formats without tags.
    """
    names = {name for name, value in properties.items() if value.strip() and _tells(name)}
    return sorted(names | _of_series(path) | _of_tiff(path))


def _tells(name: str) -> bool:
    own = name.rpartition(".")[2]
    # DICOM tags are read from the files themselves, under their own names
    own_tags = not name.startswith(("openslide.", "dicom."))
    return own_tags and _TELLING.search(own) is not None


def _of_series(path: Path) -> set[str]:
    names: set[str] = set()
    for file in series_files(path):
        names |= set(read_dicom(file, _of_dicom) or ())
    return names


def _of_dicom(file: BinaryIO) -> list[str]:
    names = _DICOM.split()
    header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=[*names])
    return [f"DICOM {name}" for name in names if header.get(name)]


def _of_tiff(path: Path) -> set[str]:
    names: set[str] = set()
    try:
        with tifffile.TiffFile(path) as tiff:
            for page in tiff.pages[:MOST_PAGES]:
                if isinstance(page, tifffile.TiffPage):
                    names |= _of_page(page)
    except UNREADABLE_TIFF:
        pass
    return names


def _of_page(page: tifffile.TiffPage) -> set[str]:
    names = {f"TIFF {name}" for code, name in _TIFF.items() if _filled(page.tags.valueof(code))}
    description = str(page.tags.valueof(_IMAGE_DESCRIPTION) or "")[:_MOST_LETTERS]
    for field, value in _FIELD.findall(description):
        if _TELLING.search(field) and value.strip():
            names.add(f"TIFF ImageDescription, {field.strip()}")
    for attribute, _, element in _XML_FIELD.findall(description):
        field = attribute or element
        if field not in _HARMLESS and _TELLING.search(field):
            names.add(f"TIFF ImageDescription, {field}")
    return names


def _filled(value: object) -> bool:
    return bool(value.strip()) if isinstance(value, str | bytes) else value is not None
