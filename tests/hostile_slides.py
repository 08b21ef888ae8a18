"""Small slides that end or occupy whatever opens them. Only for readers, never for this process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import simplejpeg

from pathviewer.bench.hostile_slides import hostile_slides
from tests import raw_tiff


def write_crash(path: Path) -> Path:
    """OpenSlide opens it as 256 x 256 px, and ends the process when it reads the finer level.

    Its tile claims 2^62 bytes, and GLib aborts where memory runs out. The coarser level is sound,
    so that the slide is listed.
    """
    jpeg = bytes(simplejpeg.encode_jpeg(np.full((128, 128, 3), 128, np.uint8), 75, "RGB", "420"))
    absurd = {324: (raw_tiff.LONG8, [16]), 325: (raw_tiff.LONG8, [2**62])}
    fine = raw_tiff.Page({**raw_tiff.tiled_page(256, 256, 256), **absurd})
    reduced = {254: (raw_tiff.LONG, [1])}
    coarse = raw_tiff.Page({**raw_tiff.tiled_page(128, 128, 128), **reduced}, [jpeg])
    return raw_tiff.write_tiff(path, [fine, coarse], big=True)


def write_endless(path: Path) -> Path:
    """OpenSlide never ends opening it."""
    return _write(path, "endless.svslide")


def write_fan(path: Path) -> Path:
    """A sound slide of 256 x 256 px whose sub-pages fan out: following each takes 2^60 steps."""
    return _write(path, "sub-ifds.tif")


def write_false_offset_table(path: Path) -> Path:
    """A DICOM of 512 x 512 px; reading its third tile of 256 px ends the process."""
    return _write(path, "offset-table.dcm")


def write_outside(path: Path) -> Path:
    """A Hamamatsu VMS by content, which names pictures outside its folder."""
    return _write(path, "outside.tif")


def _write(path: Path, name: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(hostile_slides()[name])
    return path
