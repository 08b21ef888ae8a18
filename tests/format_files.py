"""Makers of small slides that OpenSlide does not read, and others do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    VLWholeSlideMicroscopyImageStorage,
    generate_uid,
)

from tests.slide_files import pyramid, tissue

Samples = NDArray[np.generic]

WIDTH, HEIGHT, TILE = 300, 217, 64


def colours() -> NDArray[np.uint8]:
    """(217, 300, 3) RGB."""
    return tissue(WIDTH, HEIGHT)


def grey(bits: int) -> NDArray[np.uint16]:
    """(217, 300) grey values that fill so many bits."""
    return tissue(WIDTH, HEIGHT)[..., 1].astype(np.uint16) << np.uint16(bits - 8) | np.uint16(1)


def write_tiff(path: Path, samples: Samples, **options: Any) -> Path:
    """A pyramid of one level in tiles of 64 x 64, unless `options` of tifffile say otherwise."""
    photometric = "rgb" if samples.ndim == 3 and "planarconfig" not in options else "minisblack"
    settings = {"tile": (TILE, TILE), "photometric": photometric, "metadata": None} | options
    tifffile.imwrite(path, samples, **settings)
    return path


def write_pyramid(path: Path, **options: Any) -> Path:
    """Two levels of RGB as pages, the coarser at a quarter."""
    with tifffile.TiffWriter(path) as tiff:
        for index, pixels in enumerate(pyramid(colours(), 4)):
            settings = {"tile": (TILE, TILE), "photometric": "rgb", "metadata": None} | options
            tiff.write(pixels, subfiletype=index, **settings)
    return path


def write_ome(path: Path, samples: Samples, *coarser: Samples, **metadata: Any) -> Path:
    """An OME-TIFF whose coarser levels are SubIFDs of the finest; deflate, tiles of 64 x 64."""
    colour = samples.ndim == 3 and samples.shape[-1] == 3
    page: dict[str, Any] = {
        "tile": (TILE, TILE),
        "photometric": "rgb" if colour else "minisblack",
        "compression": "deflate",
    }
    with tifffile.TiffWriter(path, ome=True) as tiff:
        tiff.write(samples, subifds=len(coarser), metadata=metadata or None, **page)
        for level in coarser:
            tiff.write(level, subfiletype=1, **page)
    return path


def write_dicom(
    path: Path,
    samples: Samples,
    *,
    encode: Any = None,
    syntax: UID = ExplicitVRLittleEndian,
    bits: int = 8,
    photometric: str = "MONOCHROME2",
    **attributes: Any,
) -> Path:
    """A series of one level; frames are as they are, or what `encode` makes of each."""
    frames = list(_frames(samples))
    instance = Dataset()
    instance.file_meta = FileMetaDataset()
    instance.file_meta.TransferSyntaxUID = syntax
    instance.SOPClassUID = VLWholeSlideMicroscopyImageStorage
    for name in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        setattr(instance, name, generate_uid(entropy_srcs=[str(path), name]))
    instance.Modality, instance.InstanceNumber = "SM", 1
    instance.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    instance.Rows = instance.Columns = TILE
    instance.TotalPixelMatrixRows, instance.TotalPixelMatrixColumns = samples.shape[:2]
    instance.DimensionOrganizationType = "TILED_FULL"
    instance.TotalPixelMatrixFocalPlanes = instance.NumberOfOpticalPaths = 1
    instance.SamplesPerPixel = samples.shape[2] if samples.ndim == 3 else 1
    if samples.ndim == 3:
        instance.PlanarConfiguration = 0
    instance.PhotometricInterpretation = photometric
    instance.BitsAllocated, instance.BitsStored = 8 if bits == 8 else 16, bits
    instance.HighBit, instance.PixelRepresentation = bits - 1, 0
    measures, groups, optics = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = [0.0005, 0.00025]
    groups.PixelMeasuresSequence = [measures]
    instance.SharedFunctionalGroupsSequence = [groups]
    optics.ObjectiveLensPower, optics.OpticalPathIdentifier = 20, "1"
    instance.OpticalPathSequence = [optics]
    instance.NumberOfFrames = len(frames)
    instance.PixelData = (
        b"".join(frame.tobytes() for frame in frames)
        if encode is None
        else encapsulate([bytes(encode(frame)) for frame in frames])
    )
    for name, value in attributes.items():
        setattr(instance, name, value)
    instance.save_as(path, enforce_file_format=True)
    return path


def _frames(samples: Samples) -> Any:
    height, width = samples.shape[:2]
    sides = [(0, -height % TILE), (0, -width % TILE), (0, 0)]
    filled = np.pad(samples, sides[: samples.ndim])
    for top in range(0, filled.shape[0], TILE):
        for left in range(0, filled.shape[1], TILE):
            yield np.ascontiguousarray(filled[top : top + TILE, left : left + TILE])
