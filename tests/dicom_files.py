"""Makers of small DICOM whole-slide images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.uid import (
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
    levels: Sequence[slide_files.Pixels] | None = None,
) -> Path:
    """A series of `levels`, by default two, in a folder; returns the file of the finest."""
    levels = levels or slide_files.pyramid(slide_files.tissue(300, 217), 4)
    placed = [(pixels, 4.0**number) for number, pixels in enumerate(levels)]
    return write_levels(folder, placed, encode, photometric, pack, tile)


def write_levels(
    folder: Path,
    levels: Sequence[tuple[slide_files.Pixels, float]],
    encode: slide_files.Encode = slide_files.ycbcr_jpeg,
    photometric: str = "YBR_FULL_422",
    pack: Pack = with_basic_table,
    tile: int = 64,
) -> Path:
    """A series of levels with their downsamples in a folder; returns the file of the finest."""
    folder.mkdir(exist_ok=True)
    series, frame_of_reference = generate_uid(), generate_uid()
    for number, (pixels, downsample) in enumerate(levels):
        instance = _instance(pixels, tile, MPP * downsample, photometric)
        instance.SeriesInstanceUID = series
        instance.FrameOfReferenceUID = frame_of_reference
        instance.InstanceNumber = number + 1
        frames = [encode(part) for part in slide_files.tiles_of(pixels, tile)]
        instance.NumberOfFrames = len(frames)
        pack(instance, frames)
        instance.save_as(folder / f"{number}.dcm", enforce_file_format=True)
    return folder / "0.dcm"


def _instance(pixels: slide_files.Pixels, tile: int, mpp: float, photometric: str) -> Dataset:
    instance = Dataset()
    instance.file_meta = FileMetaDataset()
    instance.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    instance.SOPClassUID = VLWholeSlideMicroscopyImageStorage
    instance.SOPInstanceUID = generate_uid()
    instance.StudyInstanceUID = generate_uid()
    instance.Modality = "SM"
    kind = "ORIGINAL" if mpp == MPP else "DERIVED"
    instance.ImageType = [kind, "PRIMARY", "VOLUME", "NONE" if mpp == MPP else "RESAMPLED"]
    instance.Rows = instance.Columns = tile
    instance.TotalPixelMatrixRows, instance.TotalPixelMatrixColumns = pixels.shape[:2]
    instance.DimensionOrganizationType = "TILED_FULL"
    instance.TotalPixelMatrixFocalPlanes = instance.NumberOfOpticalPaths = 1
    instance.SamplesPerPixel, instance.PlanarConfiguration = 3, 0
    instance.PhotometricInterpretation = photometric
    instance.BitsAllocated = instance.BitsStored = 8
    instance.HighBit, instance.PixelRepresentation = 7, 0
    measures = Dataset()
    measures.PixelSpacing = [mpp / 1000, mpp / 1000]
    groups = Dataset()
    groups.PixelMeasuresSequence = [measures]
    instance.SharedFunctionalGroupsSequence = [groups]
    optics = Dataset()
    optics.ObjectiveLensPower = 20
    instance.OpticalPathSequence = [optics]
    return instance


def uncompressed(folder: Path) -> Path:
    """The series with frames that are not compressed."""
    return write_dicom(folder, encode=lambda part: part.tobytes(), photometric="RGB", pack=_native)


def _native(instance: Dataset, frames: list[bytes]) -> None:
    instance.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    instance.PixelData = b"".join(frames)
    instance["PixelData"].VR = "OB"
