"""Selection of the library that reads a file: OpenSlide if it can, otherwise the others.

A new format is one more module with a class like `PyramidFile`, registered in `_OTHER_READERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from openslide import OpenSlideUnsupportedFormatError

from pathviewer.slides import user_messages
from pathviewer.slides.companion_files import MIRAX_INDEX
from pathviewer.slides.errors import SlideUnopenable, SlideUnsupported
from pathviewer.slides.file_signature import fault_of, head_of, kind_of
from pathviewer.slides.formats.base import (
    NotInFormat,
    PixelsUnreadable,
    PyramidFile,
    places_to_try,
)
from pathviewer.slides.formats.dicom_file import DicomFile
from pathviewer.slides.formats.openslide_file import FramesDamaged, OpenSlideFile, damaged_error
from pathviewer.slides.formats.refusals import unsupported_tiff
from pathviewer.slides.formats.tiff_file import TiffFile
from pathviewer.slides.formats.tiff_pages import TiffPicture, is_plain, read_picture

_OTHER_READERS: dict[str, Callable[[Path, str], PyramidFile]] = {
    "tiff": TiffFile,
    "dicom": DicomFile,
}
"""Readers by file type, from the first bytes."""

_SHARED_VENDORS = {"generic-tiff": "tiff", "aperio": "tiff", "dicom": "dicom"}
"""Formats, by OpenSlide's names, that another library may read as well."""


def open_pyramid(path: Path, name: str) -> PyramidFile:
    """Open a slide's file with the library that reads it; `name` is its name in messages.

    Raises SlideGone if there is no file, SlideUnsupported if its content cannot be shown, and
    SlideUnopenable if it is damaged or in an unknown format.
    """
    try:
        file = OpenSlideFile(path, name)
    except FramesDamaged:
        raise
    except SlideUnopenable as error:
        return _open_otherwise(path, name, error)
    kind = _SHARED_VENDORS.get(file.properties["openslide.vendor"])
    if kind is None:
        return file
    sound = _with_pixels(path, name, OpenSlideFile, file)
    if kind == "tiff" and not is_plain(path):
        picture = read_picture(path)
        if picture is not None:
            return _of_tiff(sound, picture, path, name) or file
    return sound or _with_pixels(path, name, _OTHER_READERS[kind]) or file


def _of_tiff(
    sound: PyramidFile | None, picture: TiffPicture, path: Path, name: str
) -> PyramidFile | None:
    """Return a TIFF file whose pixels OpenSlide may misread, opened with the right library.

    OpenSlide silently shows the first of several channels and the high byte of 16 bits, ignores
    levels in SubIFDs, and rotates each tile separately if the file has an orientation. tifffile
    shows rows as stored. `sound` is the file opened with OpenSlide, `None` if OpenSlide cannot read
    it.
    """
    fault = unsupported_tiff(picture)
    misread = picture.channels or picture.base.sampleformat != 1 or picture.is_turned
    if fault is not None and (misread or sound is None):
        raise SlideUnsupported(user_messages.pixels_unsupported(name, fault))
    if (
        sound is None
        or picture.base.bitspersample != 8
        or picture.base.subifds
        or picture.is_turned
    ):
        other = _with_pixels(path, name, TiffFile)
        if other is not None:
            return other
    if picture.is_turned:
        raise damaged_error(name)
    if isinstance(sound, OpenSlideFile):
        sound.pixel_note = picture.note
    return sound


def _with_pixels(
    path: Path,
    name: str,
    open_file: Callable[[Path, str], PyramidFile],
    file: PyramidFile | None = None,
) -> PyramidFile | None:
    """Return the file opened with `open_file`, `None` unless one of the sampled tiles can be read.

    `file` is the file if it is already open.
    """
    try:
        file = file or open_file(path, name)
        for place in places_to_try(file.levels):
            try:
                file.read(*place)
            except PixelsUnreadable:
                file = open_file(path, name)  # errors may persist in the handle
            else:
                return file
    except (NotInFormat, SlideUnopenable):
        return None
    return None


def _open_otherwise(path: Path, name: str, error: SlideUnopenable) -> PyramidFile:
    """Open a file that OpenSlide did not open. Raises `error` unless there is a better message."""
    try:
        head = head_of(path)
    except OSError:
        raise error from None
    unknown = isinstance(error.__cause__, OpenSlideUnsupportedFormatError)
    open_file = _OTHER_READERS.get(kind_of(head))
    if open_file is not None:
        with suppress(NotInFormat):
            return open_file(path, name)
        raise (damaged_error(name) if unknown else error) from error.__cause__
    # the index of a MIRAX slide begins like a JPEG image
    fault = _mirax_fault(path, name) if path.suffix.lower() == ".mrxs" else fault_of(head)
    if fault is None:
        raise error
    raise SlideUnsupported(user_messages.file_fault(name, fault)) from error


def _mirax_fault(path: Path, name: str) -> str | None:
    """Return which part of a MIRAX slide is missing beside its index, `None` if none is."""
    suffix = path.suffix
    folder = name.removesuffix(suffix) if name.endswith(suffix) else None
    if not path.with_suffix("").is_dir():
        return user_messages.mirax_folder_missing(folder)
    if not (path.with_suffix("") / MIRAX_INDEX).is_file():
        return user_messages.mirax_index_missing(folder, MIRAX_INDEX)
    return None
