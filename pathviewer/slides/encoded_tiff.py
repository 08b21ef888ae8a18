"""Tiled TIFF files written from tiles that are already encoded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

JPEG, APERIO_JPEG2000, TIFF_JPEG2000, WEBP = 7, 33005, 34712, 50001
"""TIFF compression numbers."""

RGB, YCBCR = 2, 6
"""TIFF photometric interpretation numbers."""

_JPEG_TABLES, _UNDEFINED = 347, 7


@dataclass(frozen=True)
class EncodedPage:
    """One pyramid level of a file to write."""

    width: int
    """In pixels."""

    height: int
    """In pixels."""

    tile: int
    """Side of a tile, in pixels; a multiple of 16."""

    tiles: Iterable[bytes]
    """Encoded tiles, row by row; read once."""


def write_encoded_tiff(
    path: Path,
    pages: Sequence[EncodedPage],
    *,
    compression: int,
    photometric: int,
    description: str,
    jpeg_tables: bytes = b"",
    icc_profile: bytes | None = None,
) -> None:
    """Write a pyramid of three-component, 8-bit pages, the finest first.

    tifffile writes such tiles only with imagecodecs installed. So this function declares them as
    deflated RGB and corrects the tags afterwards.
    """
    tables = [(_JPEG_TABLES, _UNDEFINED, len(jpeg_tables), jpeg_tables, True)]
    with tifffile.TiffWriter(path) as tiff:
        for index, page in enumerate(pages):
            tiff.write(
                iter(page.tiles),
                shape=(page.height, page.width, 3),
                dtype=np.uint8,
                tile=(page.tile, page.tile),
                compression="deflate",
                photometric="rgb",
                subfiletype=min(index, 1),
                description=description,
                extratags=tables if jpeg_tables else None,
                iccprofile=icc_profile,
                metadata=None,
            )
    _correct(path, compression, photometric)


def _correct(path: Path, compression: int, photometric: int) -> None:
    with tifffile.TiffFile(path, mode="r+") as tiff:
        for written in tiff.pages:
            if isinstance(written, tifffile.TiffPage):
                written.tags["Compression"].overwrite(compression)
                written.tags["PhotometricInterpretation"].overwrite(photometric)
