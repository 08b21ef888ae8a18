"""Files that are no slides: what copying, downloading and renaming leave behind."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from tests import dicom_files
from tests.corpus import codecs
from tests.corpus.odd_slide import OddSlide, Refused, Writer, picture
from tests.corpus.tiff import YCBCR, Layout, write_picture
from tests.slide_files import Pixels

_JPEG = Layout(codecs.YCBCR_JPEG, YCBCR, (64, 64))


def holding(data: Callable[[Path], bytes] | bytes) -> Writer:
    """A file of these bytes."""

    def write(path: Path) -> Sequence[Pixels]:
        path.write_bytes(data if isinstance(data, bytes) else data(path))
        return []

    return write


def _slide(path: Path) -> bytes:
    write_picture(path, _JPEG)
    return path.read_bytes()


def _part(share: float) -> Callable[[Path], bytes]:
    def data(path: Path) -> bytes:
        whole = _slide(path)
        return whole[: int(share * len(whole))]

    return data


def _zip(path: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("slide.tif"), _slide(path))
    return buffer.getvalue()


def _zeros(path: Path) -> bytes:
    return bytes(len(_slide(path)))


def _picture(path: Path, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture(path)[0]).save(buffer, kind)
    return buffer.getvalue()


def _dicom_of_another_kind(path: Path) -> Sequence[Pixels]:
    """A DICOM picture that is no whole-slide image: the file's class says secondary capture."""

    def pack(instance: Dataset, frames: list[bytes]) -> None:
        instance.SOPClassUID = SecondaryCaptureImageStorage
        instance.Modality = "OT"
        dicom_files.with_basic_table(instance, frames)

    folder = path.with_name(f"{path.name}-series")
    dicom_files.write_dicom(folder, levels=picture(path), pack=pack).rename(path)
    folder.rmdir()
    return []


_PAGE = b"\n<!DOCTYPE html>\n<html><body>Log in to see this file.</body></html>\n"
_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 123456\n"

DAMAGED = (
    OddSlide("half.tif", "a copy that broke off", holding(_part(0.5)), Refused(["damaged"])),
    OddSlide(
        "first-bytes.tif",
        "a copy that hardly began",
        holding(_part(0.001)),
        Refused(["damaged or incomplete", "Copy all of its files again"]),
    ),
)

MIRAX = (
    OddSlide(
        "mirax-alone.mrxs",
        "FIELD I: the folder that belongs to it is missing",
        holding(lambda path: _picture(path, "JPEG")),
        Refused(["MIRAX", "the folder mirax-alone that holds its pixels is missing"]),
    ),
)

FIRST_BYTES = (
    OddSlide("empty.svs", "FIELD I: a file of no bytes", holding(b""), Refused(["is empty"])),
    OddSlide(
        "zeros.svs",
        "FIELD I: space without content",
        holding(_zeros),
        Refused(["starts with zeros only", "copy it again"]),
    ),
    OddSlide("login.svs", "FIELD I: a portal's login page", holding(_PAGE), Refused(["web page"])),
    OddSlide(
        "pointer.tif",
        "FIELD I: a Git LFS pointer",
        holding(_POINTER),
        Refused(["Git LFS", "git lfs pull"]),
    ),
    OddSlide(
        "zipped.tif", "FIELD I: a zip file", holding(_zip), Refused(["is a zip archive", "unpack"])
    ),
    OddSlide(
        "gzipped.svs",
        "FIELD I: a gzip file",
        holding(lambda path: gzip.compress(_slide(path), mtime=0)),
        Refused(["compressed with gzip", "unpack"]),
    ),
    OddSlide(
        "photo.tif",
        "FIELD I: a photograph with another ending",
        holding(lambda path: _picture(path, "JPEG")),
        Refused(["JPEG picture", "vips tiffsave"]),
    ),
    OddSlide(
        "screenshot.svs",
        "FIELD I: a screenshot with another ending",
        holding(lambda path: _picture(path, "PNG")),
        Refused(["PNG picture", "vips tiffsave"]),
    ),
    OddSlide("report.svs", "FIELD I: a report", holding(b"%PDF-1.7\n"), Refused(["PDF"])),
    OddSlide(
        "capture.dcm",
        "FIELD D: a DICOM picture of another kind",
        _dicom_of_another_kind,
        Refused(["not a whole-slide image"]),
    ),
)

OTHER_FORMATS = (
    OddSlide(
        "olympus.vsi",
        "FIELD I: Olympus",
        holding(b"II*\0" + bytes(60)),
        Refused(["Olympus VSI slide", "bfconvert in.vsi"]),
    ),
    OddSlide(
        "philips.isyntax",
        "FIELD I: Philips",
        holding(b'<DataObject ObjectType="DPUfsImport">'),
        Refused(["iSyntax"]),
    ),
    OddSlide(
        "leica.lif",
        "FIELD I: Leica",
        holding(b"p\0\0\0" + bytes(60)),
        Refused(["Leica LIF file", "bfconvert in.lif"]),
    ),
    OddSlide(
        "single.jp2",
        "FIELD I: a JPEG 2000 picture",
        holding(lambda path: _picture(path, "JPEG2000")),
        Refused(["single picture", "vips tiffsave"]),
    ),
)
