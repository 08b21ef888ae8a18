"""JPEG tiles that say something else in their headers than the first tile of their level."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from pathviewer.slides.encoded_tiff import RGB, YCBCR
from pathviewer.slides.jpeg_header import adobe_marker
from tests import dicom_files, slide_files
from tests.slide_files import Encode, Pixels

JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
TURNED = b"\xff\xe1\x00\x22Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03" + (
    b"\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
)
"""An orientation of six: browsers turn such a picture by a quarter."""

COLUMNS = 4
TILE = 64


@dataclass(frozen=True)
class OddTile:
    """A kind of tile."""

    reason: str
    """What it shows."""

    encode: Encode
    """How it is made."""

    raw: bool
    """Whether it may be passed on."""

    sound: bool = True
    """Whether OpenSlide reads it."""


def saved(part: Pixels, **options: Any) -> bytes:
    """The tile as Pillow encodes it, without markers about colours."""
    file = io.BytesIO()
    Image.fromarray(part).save(file, "JPEG", **{"quality": 90, "subsampling": 2} | options)
    return slide_files.without_markers(file.getvalue(), (0xE0, 0xEE))


def marked(jpeg: bytes, *segments: bytes) -> bytes:
    """The stream with these segments after its first two bytes."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def renamed(jpeg: bytes) -> bytes:
    """The stream with the letters R, G and B as names of its components."""
    changed = bytearray(jpeg)
    frame, scan = jpeg.index(b"\xff\xc0"), jpeg.index(b"\xff\xda")
    for index, letter in enumerate(b"RGB"):
        changed[frame + 10 + 3 * index] = changed[scan + 5 + 2 * index] = letter
    return bytes(changed)


def profiled(part: Pixels) -> bytes:
    """The tile with a colour profile, which browsers apply and OpenSlide does not."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    return saved(part, icc_profile=profile)


_AS_RGB, _AS_YCBCR = adobe_marker(rgb=True), adobe_marker(rgb=False)

YCBCR_TILES = [
    OddTile("the one that is compared with OpenSlide", slide_files.ycbcr_jpeg, raw=True),
    OddTile("no JFIF", saved, raw=True),
    OddTile("APP14 says YCbCr", lambda part: marked(saved(part), _AS_YCBCR), raw=True),
    OddTile("APP14 says RGB", lambda part: marked(saved(part), _AS_RGB), raw=False),
    OddTile("JFIF and APP14", lambda part: marked(saved(part), JFIF, _AS_RGB), raw=False),
    OddTile("other tables", lambda part: saved(part, quality=60), raw=True),
    OddTile("a table of its own", lambda part: saved(part, optimize=True), raw=True),
    OddTile("restart intervals", lambda part: saved(part, restart_marker_rows=1), raw=True),
    OddTile("colours in full", lambda part: saved(part, subsampling=0), raw=False),
    OddTile("progressive", lambda part: saved(part, progressive=True), raw=False),
    OddTile("components named R, G, B", lambda part: renamed(saved(part)), raw=False),
    OddTile("a colour profile", profiled, raw=False),
    OddTile("an orientation", lambda part: marked(saved(part), TURNED), raw=False),
    OddTile("endless comments", lambda part: marked(saved(part), *[b"\xff\xfe\0\2"] * 99), False),
    OddTile("grey", lambda part: saved(part[..., 0], subsampling=0), raw=False, sound=False),
    OddTile("another size", lambda part: saved(part[:48]), raw=False, sound=False),
]
"""For levels whose three components are YCbCr, by their file."""

RGB_TILES = [
    OddTile("the one that is compared with OpenSlide", slide_files.rgb_jpeg, raw=True),
    OddTile("APP14 says RGB", lambda part: marked(_rgb(part), _AS_RGB), raw=True),
    OddTile("APP14 says YCbCr", lambda part: marked(_rgb(part), _AS_YCBCR), raw=False),
    OddTile("JFIF", lambda part: marked(_rgb(part), JFIF), raw=False),
    OddTile("JFIF and APP14", lambda part: marked(_rgb(part), JFIF, _AS_RGB), raw=False),
    OddTile("a table of its own", lambda part: _rgb(part, optimize=True), raw=True),
    OddTile("progressive", lambda part: _rgb(part, progressive=True), raw=False),
    OddTile("an odd APP14", lambda part: marked(_rgb(part), b"\xff\xee\0\6Adob"), raw=False),
]
"""For levels whose three components are RGB, by their file."""


def _rgb(part: Pixels, **options: Any) -> bytes:
    return saved(part, keep_rgb=True, subsampling=0, **options)


def odd_tiles(rgb: bool) -> list[OddTile]:
    """The tiles of a slide whose file says that they are RGB, or YCbCr."""
    return RGB_TILES if rgb else YCBCR_TILES


def picture(rgb: bool) -> Pixels:
    """What the slide shows; no two tiles are alike."""
    rows = -(-len(odd_tiles(rgb)) // COLUMNS)
    return slide_files.tissue(COLUMNS * TILE, rows * TILE)


def write_odd_tiff(path: Path, rgb: bool) -> Path:
    """A slide of one level that has one tile of each kind. Returns `path`."""
    photometric = RGB if rgb else YCBCR
    return slide_files.write_encoded(
        path, [picture(rgb)], _each_in_turn(rgb), tile=TILE, photometric=photometric
    )


def write_odd_dicom(folder: Path, rgb: bool) -> Path:
    """The same as DICOM; returns its file."""
    name = "RGB" if rgb else "YBR_FULL_422"
    return dicom_files.write_dicom(
        folder, _each_in_turn(rgb), name, tile=TILE, levels=[picture(rgb)]
    )


def _each_in_turn(rgb: bool) -> Encode:
    kinds: Iterator[OddTile] = iter(odd_tiles(rgb))
    return lambda part: next(kinds).encode(np.ascontiguousarray(part))
