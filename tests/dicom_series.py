"""Whole-slide images in DICOM: one file for each level."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    VLWholeSlideMicroscopyImageStorage,
    generate_uid,
)

TILE = 16


def write_series(
    folder: Path,
    *sides: int,
    name: str = "level",
    seed: int = 0,
    export: int = 0,
    factors: Sequence[float] = (),
) -> list[Path]:
    """Files `level_0.dcm` ... of a square slide with levels of these sides, multiples of 16.

    `factors` are the levels' downsamples as their pixel spacing states them, where the sizes do
    not tell them.

    The files of another seed are of another series; those of another export are of the same
    series, with other files and other pixels.
    """
    folder.mkdir(parents=True, exist_ok=True)
    series = generate_uid(entropy_srcs=["series", str(seed)])
    paths = [folder / f"{name}_{index}.dcm" for index in range(len(sides))]
    for index, (path, side) in enumerate(zip(paths, sides, strict=True)):
        factor = factors[index] if factors else sides[0] / side
        dataset = _level(index, side, 0.5 * factor, seed + 1000 * export)
        dataset.SeriesInstanceUID = series
        dataset.StudyInstanceUID = generate_uid(entropy_srcs=["study", str(seed)])
        dataset.save_as(path, enforce_file_format=True)
    return paths


def _level(index: int, side: int, mpp: float, seed: int) -> Dataset:
    """A level whose tiles are not compressed."""
    tiles = (side // TILE) ** 2
    pixels = np.random.default_rng(seed).integers(0, 255, (tiles, TILE, TILE, 3), np.uint8)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = VLWholeSlideMicroscopyImageStorage
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=["level", str(index), str(seed)])
    dataset.Modality = "SM"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "RESAMPLED" if index else "NONE"]
    dataset.DimensionOrganizationType = "TILED_FULL"
    dataset.TotalPixelMatrixColumns = dataset.TotalPixelMatrixRows = side
    dataset.NumberOfFrames = tiles
    dataset.Rows = dataset.Columns = TILE
    dataset.SamplesPerPixel, dataset.PlanarConfiguration = 3, 0
    dataset.PhotometricInterpretation = "RGB"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelRepresentation = 0
    measures, shared = Dataset(), Dataset()
    measures.PixelSpacing = [mpp / 1000, mpp / 1000]
    shared.PixelMeasuresSequence = [measures]
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PixelData = pixels.tobytes()
    return dataset
