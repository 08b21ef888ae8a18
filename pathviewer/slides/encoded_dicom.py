"""Writing of encoded tiles as a DICOM whole-slide image: one file, one level."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, VLWholeSlideMicroscopyImageStorage, generate_uid

_MILLIMETRES = 0.0005
"""Side of a pixel: 0.5 microns."""
_UIDS = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")


def write_encoded_dicom(
    path: Path,
    frames: Sequence[bytes],
    size: tuple[int, int],
    tile: int,
    *,
    syntax: UID,
    colour: str,
    samples: int = 3,
) -> None:
    """Write the tiles of an image of `size` (width, height), row by row, with a Basic Offset Table.

    `colour` is the photometric interpretation. The UIDs depend on the file's name only.
    """
    instance = _new_instance(path.name, syntax)
    instance.Rows = instance.Columns = tile
    instance.TotalPixelMatrixColumns, instance.TotalPixelMatrixRows = size
    instance.DimensionOrganizationType = "TILED_FULL"
    instance.TotalPixelMatrixFocalPlanes = instance.NumberOfOpticalPaths = 1
    instance.SamplesPerPixel, instance.PhotometricInterpretation = samples, colour
    _describe_samples(instance)
    _describe_optics(instance)
    instance.NumberOfFrames = len(frames)
    instance.PixelData = encapsulate(list(frames))
    instance.save_as(path, enforce_file_format=True)


def _new_instance(name: str, syntax: UID) -> Dataset:
    instance = Dataset()
    instance.file_meta = FileMetaDataset()
    instance.file_meta.TransferSyntaxUID = syntax
    instance.SOPClassUID = VLWholeSlideMicroscopyImageStorage
    for each in _UIDS:
        setattr(instance, each, generate_uid("2.25.", entropy_srcs=[name, each]))
    instance.Modality, instance.InstanceNumber = "SM", 1
    instance.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    return instance


def _describe_samples(instance: Dataset) -> None:
    if instance.SamplesPerPixel > 1:
        instance.PlanarConfiguration = 0
    instance.BitsAllocated = instance.BitsStored = 8
    instance.HighBit, instance.PixelRepresentation = 7, 0


def _describe_optics(instance: Dataset) -> None:
    measures, groups, optics = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = [_MILLIMETRES, _MILLIMETRES]
    groups.PixelMeasuresSequence = [measures]
    instance.SharedFunctionalGroupsSequence = [groups]
    optics.ObjectiveLensPower, optics.OpticalPathIdentifier = 20, "1"
    instance.OpticalPathSequence = [optics]
