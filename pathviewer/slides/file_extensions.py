"""File extensions: slides, slide formats that cannot be shown, and other files."""

from __future__ import annotations

from pathlib import Path

from pathviewer.slides import user_messages

_SLIDES = """
    .svs .tif .tiff .ndpi .mrxs .scn .bif .vms .vmu .svslide .czi .dcm
    .qptiff .btf .tf2 .tf8
"""
SUFFIXES = frozenset(_SLIDES.split())
"""Extensions of supported formats, in lowercase."""

_DICOM_INDEX = "dicomdir"
"""Name of the file that lists a medium's DICOM files and begins like one."""

_BIO_FORMATS = {
    ".vsi": "an Olympus VSI slide",
    ".lif": "a Leica LIF file",
    ".nd2": "a Nikon ND2 file",
    ".oir": "an Olympus OIR file",
    ".oib": "an Olympus OIB file",
    ".zvi": "a Zeiss ZVI file",
    ".ims": "an Imaris file",
}
"""Formats that Bio-Formats reads."""

_PICTURES = dict.fromkeys((".jp2", ".j2k", ".jpx", ".jpf", ".jxl"), "a single picture, not a slide")
_CHANNEL_INDEXES = {
    ".afi": ("Aperio", ".svs"),
    ".ndpis": ("Hamamatsu", ".ndpi"),
}
"""Indexes of fluorescence slides: the maker, and the ending of their channels' files."""

_MAKERS = {
    ".vsf": "a slide in the format VSF",
    ".kfb": "a KFBIO slide",
    ".sdpc": "an SQRAY slide",
    ".tmap": "a UNIC slide",
    ".mdsx": "a Motic slide",
    ".mds": "a Motic slide",
}
_ISYNTAX = dict.fromkeys((".isyntax", ".i2syntax"), "a Philips iSyntax slide")
_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz")
_PACKED = (".gz", ".bz2", ".xz", ".zst")


def may_be_slide(name: str) -> bool:
    """Return whether a file of this name is examined."""
    return not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES


def is_dicom_index(name: str) -> bool:
    """Return whether a file of this name lists DICOM files and is none itself."""
    return name.lower() == _DICOM_INDEX


def fault_of_ending(name: str) -> str | None:
    """Return why a file named like a slide cannot be shown, with a remedy.

    The result is the end of a sentence that begins with the name; `None` for all other names.
    """
    suffixes = [suffix.lower() for suffix in Path(name).suffixes[-2:]] or [""]
    ending = suffixes[-1]
    if ending in _BIO_FORMATS:
        return user_messages.bio_formats_file(_BIO_FORMATS[ending], ending)
    if ending in _CHANNEL_INDEXES:
        return user_messages.index_of_channels(*_CHANNEL_INDEXES[ending], ending)
    if ending in _ISYNTAX:
        return user_messages.isyntax_slide(_ISYNTAX[ending], ending)
    if ending in _PICTURES:
        return user_messages.single_picture(_PICTURES[ending], ending)
    if ending in _MAKERS:
        return user_messages.maker_format(_MAKERS[ending])
    packed = ending in _PACKED and (suffixes[0] in SUFFIXES or suffixes[0] == ".tar")
    if ending in _ARCHIVES or packed:
        return user_messages.ARCHIVE
    return None
