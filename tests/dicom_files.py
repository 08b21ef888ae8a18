"""Makers of small DICOM whole-slide images."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    VLWholeSlideMicroscopyImageStorage,
    generate_uid,
)

from tests import slide_files

Pack = Callable[[Dataset, list[bytes]], None]
MPP = 0.5


def with_basic_table(instance: Dataset, frames: list[bytes]) -> None:
    """One fragment per frame, a filled Basic Offset Table."""
    instance.PixelData = encapsulate(frames)


def without_table(instance: Dataset, frames: list[bytes]) -> None:
    """One fragment per frame, an empty Basic Offset Table."""
    instance.PixelData = encapsulate(frames, has_bot=False)


def with_extended_table(instance: Dataset, frames: list[bytes]) -> None:
    """The Extended Offset Table of large files."""
    packed = encapsulate_extended(frames)
    instance.PixelData, instance.ExtendedOffsetTable, lengths = packed
    instance.ExtendedOffsetTableLengths = lengths


def in_two_fragments(instance: Dataset, frames: list[bytes]) -> None:
    """Two fragments per frame, which cannot be passed on in one piece."""
    instance.PixelData = encapsulate(frames, fragments_per_frame=2)


def write_dicom(
    folder: Path,
    encode: slide_files.Encode = slide_files.ycbcr_jpeg,
    photometric: str = "YBR_FULL_422",
    pack: Pack = with_basic_table,
    tile: int = 64,
    *,
    levels: Sequence[slide_files.Pixels] = (),
    spacings: Sequence[tuple[float, float]] = (),
    syntax: UID = JPEGBaseline8Bit,
    name: str = "",
) -> Path:
    """A series in a folder, a file `{name}{number}.dcm` for each level; returns the finest's.

    `levels` are (height, width, 3), or (height, width) of one sample; two of a picture of its own
    if not given. `spacings` are microns per pixel of each level along x and y, by its size if not
    given.
    """
    folder.mkdir(exist_ok=True)
    levels = levels or slide_files.pyramid(slide_files.tissue(300, 217), 4)
    for number, pixels in enumerate(levels):
        factor = round(levels[0].shape[1] / pixels.shape[1])
        spacing = spacings[number] if spacings else (MPP * factor, MPP * factor)
        instance = _instance(pixels, tile, spacing, photometric)
        instance.file_meta.TransferSyntaxUID = syntax
        instance.SOPInstanceUID = _uid(folder, "instance", number)
        instance.StudyInstanceUID = _uid(folder, "study")
        instance.SeriesInstanceUID = _uid(folder, "series")
        instance.FrameOfReferenceUID = _uid(folder, "frame of reference")
        instance.InstanceNumber = number + 1
        frames = [encode(part) for part in slide_files.tiles_of(pixels, tile)]
        instance.NumberOfFrames = len(frames)
        if number:
            instance.ImageType = ["DERIVED", "PRIMARY", "VOLUME", "RESAMPLED"]
        pack(instance, frames)
        instance.save_as(folder / f"{name}{number}.dcm", enforce_file_format=True)
    return folder / f"{name}0.dcm"


def write_levels(
    folder: Path, levels: Sequence[tuple[slide_files.Pixels, float]], **options: Any
) -> Path:
    """A series of levels with their downsamples; `options` as of `write_dicom`."""
    spacings = [(MPP * downsample, MPP * downsample) for _, downsample in levels]
    return write_dicom(
        folder, levels=[pixels for pixels, _ in levels], spacings=spacings, **options
    )


def _uid(folder: Path, *words: object) -> UID:
    """The same for a folder of the same name each time."""
    return generate_uid(entropy_srcs=[folder.name, *map(str, words)])


def _instance(
    pixels: slide_files.Pixels, tile: int, spacing: tuple[float, float], photometric: str
) -> Dataset:
    instance = Dataset()
    instance.file_meta = FileMetaDataset()
    instance.SOPClassUID = VLWholeSlideMicroscopyImageStorage
    instance.Modality = "SM"
    instance.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    instance.Rows = instance.Columns = tile
    instance.TotalPixelMatrixRows, instance.TotalPixelMatrixColumns = pixels.shape[:2]
    instance.DimensionOrganizationType = "TILED_FULL"
    instance.TotalPixelMatrixFocalPlanes = instance.NumberOfOpticalPaths = 1
    instance.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
    if pixels.ndim == 3:
        instance.PlanarConfiguration = 0
    instance.PhotometricInterpretation = photometric
    instance.BitsAllocated = instance.BitsStored = 8
    instance.HighBit, instance.PixelRepresentation = 7, 0
    measures = Dataset()
    measures.PixelSpacing = [spacing[1] / 1000, spacing[0] / 1000]
    groups = Dataset()
    groups.PixelMeasuresSequence = [measures]
    instance.SharedFunctionalGroupsSequence = [groups]
    optics = Dataset()
    optics.ObjectiveLensPower, optics.OpticalPathIdentifier = 20, "1"
    instance.OpticalPathSequence = [optics]
    return instance


def sparse(missing: Collection[int] = ()) -> Pack:
    """Frames from last to first, each with its place, without those of some numbers."""

    def pack(instance: Dataset, frames: list[bytes]) -> None:
        columns = -(-instance.TotalPixelMatrixColumns // instance.Columns)
        numbers = [number for number in reversed(range(len(frames))) if number not in missing]
        instance.DimensionOrganizationType = "TILED_SPARSE"
        instance.NumberOfFrames = len(numbers)
        instance.PerFrameFunctionalGroupsSequence = [
            _place(number % columns * instance.Columns, number // columns * instance.Rows)
            for number in numbers
        ]
        with_basic_table(instance, [frames[number] for number in numbers])

    return pack


def _place(left: int, top: int) -> Dataset:
    position = Dataset()
    position.ColumnPositionInTotalImagePixelMatrix = left + 1
    position.RowPositionInTotalImagePixelMatrix = top + 1
    position.XOffsetInSlideCoordinateSystem = position.YOffsetInSlideCoordinateSystem = 0.0
    position.ZOffsetInSlideCoordinateSystem = 0.0
    groups = Dataset()
    groups.PlanePositionSlideSequence = [position]
    return groups


def uncompressed(folder: Path) -> Path:
    """The series with frames that are not compressed."""
    return write_dicom(
        folder,
        encode=lambda part: part.tobytes(),
        photometric="RGB",
        pack=native,
        syntax=ExplicitVRLittleEndian,
    )


def native(instance: Dataset, frames: list[bytes]) -> None:
    """Frames that are not compressed, one after the other."""
    instance.PixelData = b"".join(frames)
    instance["PixelData"].VR = "OB"
