"""Slides for `bench tiles`."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from pathviewer.slides.encoded_tiff import APERIO_JPEG2000, RGB, EncodedPage, write_encoded_tiff
from pathviewer.slides.geometry import Region
from pathviewer.slides.phantom import write_phantom
from pathviewer.slides.slide import Slide

_SIDE, _TILE = 6144, 256
_RATE = 15
"""Scanners' usual JPEG 2000 compression ratio, to one."""

_MPP = 0.5


def large_phantom(folder: Path) -> Path:
    """Return a phantom of 40,000 x 30,000 px, created once."""
    path = folder / "phantom-40000x30000.tiff"
    if not path.is_file():
        sys.stderr.write("Writing a phantom of 40,000 x 30,000 px, once; this takes minutes.\n")
        write_phantom(path, width=40_000, height=30_000, seed=1)
    return path


def jpeg2000_slide(folder: Path, phantom: Path) -> Path:
    """Return the centre of a phantom, 6,144 x 6,144 px, as Aperio JPEG 2000; created once.

    Its 576 tiles exceed OpenSlide's cache of decoded tiles, so a walk over them always misses.
    """
    path = folder / f"jpeg2000-{_SIDE}.svs"
    if not path.is_file():
        sys.stderr.write("Writing a slide of JPEG 2000 tiles, once.\n")
        partial = path.with_suffix(".part")
        write_encoded_tiff(
            partial,
            [EncodedPage(_SIDE, _SIDE, _TILE, _codestreams(phantom))],
            compression=APERIO_JPEG2000,
            photometric=RGB,
            description=(
                f"Aperio Image Library\r\n{_SIDE}x{_SIDE} ({_TILE}x{_TILE}) J2K/KDU"
                f"|AppMag = 20|MPP = {_MPP}"
            ),
        )
        partial.rename(path)
    return path


def shelve(slide: Path, shelf: Path) -> Path:
    """Put a slide alone into a new folder, hard-linked on the same disk."""
    shelf.mkdir()
    if slide.stat().st_dev == shelf.stat().st_dev:
        (shelf / slide.name).hardlink_to(slide.resolve())
    else:
        shutil.copy2(slide, shelf)
    return shelf / slide.name


def _codestreams(phantom: Path) -> Iterator[bytes]:
    slide = Slide(phantom, phantom.name)
    left, top = (slide.width - _SIDE) // 2, (slide.height - _SIDE) // 2
    for y in range(top, top + _SIDE, _TILE):
        for x in range(left, left + _SIDE, _TILE):
            bgrx = slide.read(0, Region(x, y, _TILE, _TILE))
            buffer = io.BytesIO()
            Image.fromarray(np.ascontiguousarray(bgrx[..., 2::-1])).save(
                buffer,
                "JPEG2000",
                no_jp2=True,
                irreversible=True,
                quality_mode="rates",
                quality_layers=[_RATE],
            )
            yield buffer.getvalue()
