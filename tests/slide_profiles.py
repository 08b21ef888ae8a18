"""Slides with a colour profile in their file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from pydicom import dcmread
from pydicom.dataset import Dataset

from tests import dicom_files, slide_files
from tests.slide_files import Pixels


def write_profiled(path: Path, pixels: Pixels, profile: bytes) -> Path:
    """A slide of uncompressed tiles. Returns `path`."""
    tifffile.imwrite(
        path, pixels, tile=(256, 256), photometric="rgb", iccprofile=profile, metadata=None
    )
    return path


def write_profiled_jpeg(path: Path, pixels: Pixels, profile: bytes) -> Path:
    """A slide of JPEG tiles, which are passed on. Returns `path`."""
    slide_files.write_encoded(path, [pixels], slide_files.ycbcr_jpeg, tile=256, icc_profile=profile)
    return path


def write_profiled_dicom(folder: Path, profile: bytes) -> Path:
    """A DICOM series whose optical path has a profile; returns a file of it."""
    path = dicom_files.write_dicom(folder)
    for file in folder.glob("*.dcm"):
        instance = dcmread(file)
        optics: Dataset = instance.OpticalPathSequence[0]
        optics.ICCProfile = profile
        instance.save_as(file)
    return path


def colour_cube(steps: int = 33) -> Pixels:
    """A picture of all colours whose values are multiples of 255 / (steps - 1), and all greys."""
    values = np.rint(np.linspace(0, 255, steps)).astype(np.uint8)
    cube = np.stack(np.meshgrid(values, values, values, indexing="ij"), -1).reshape(-1, 3)
    greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    random = np.random.default_rng(3).integers(0, 256, (10**5, 3), np.uint8)
    colours = np.concatenate([cube, greys, random])
    width = 512
    height = -(-len(colours) // width)
    filled = np.full((height * width, 3), 255, np.uint8)
    filled[: len(colours)] = colours
    return filled.reshape(height, width, 3)
