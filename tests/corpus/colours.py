"""Colour profiles, and tiles whose JPEG headers differ from the first one's."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PIL import Image, ImageCms

from tests import slide_files
from tests.corpus import codecs
from tests.corpus.odd_slide import OddSlide, Served, Writer, picture
from tests.corpus.tiff import RGB, YCBCR, Layout, write_picture
from tests.icc_profiles import lut_profile, matrix_profile, stained
from tests.raw_tiff import UNDEFINED
from tests.slide_files import Pixels

_ICC = 34675
_APP0, _APP1, _APP14, _COMMENT = 0xE0, 0xE1, 0xEE, 0xFE
_RGB_ADOBE = b"Adobe\0\x64\0\0\0\0\0"
_YCBCR_ADOBE = b"Adobe\0\x64\0\0\0\0\x01"
_JFIF = b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
_TURNED = b"Exif\0\0MM\0*\0\0\0\x08" + b"\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0" + b"\0\0\0\0"
"""Says that the picture is to be turned by 90 degrees, which browsers do."""

Change = Callable[[bytes], bytes]


def with_segment(jpeg: bytes, marker: int, data: bytes) -> bytes:
    """The stream with one more segment at its beginning."""
    return jpeg[:2] + bytes([0xFF, marker]) + (len(data) + 2).to_bytes(2) + data + jpeg[2:]


def later(change: Change, encode: slide_files.Encode = slide_files.ycbcr_jpeg) -> Writer:
    """All tiles but the first of each level are changed."""
    photometric = YCBCR if encode is slide_files.ycbcr_jpeg else RGB

    def write(path: Path) -> Sequence[Pixels]:
        levels, count = picture(path, 4), 0

        def encoded(tile: Pixels) -> bytes:
            nonlocal count
            count += 1
            first = count in (1, 21)  # of 5 x 4 tiles, then of 2 x 1
            return encode(tile) if first else change(encode(tile))

        slide_files.write_encoded(path, levels, encoded, photometric=photometric)
        return levels

    return write


def every(encode: slide_files.Encode, photometric: int = YCBCR) -> Writer:
    """All tiles are encoded so."""
    layout = Layout(codecs.Codec(7, encode), photometric, (64, 64))
    return lambda path: write_picture(path, layout)


def _pillow(tile: Pixels, **options: int | bool) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(tile).save(buffer, "JPEG", **{"quality": 90, **options})
    return buffer.getvalue()


def _own_tables(tile: Pixels) -> bytes:
    """A quality of the tile's own, and Huffman tables made for it."""
    return _pillow(tile, quality=85 + int(tile.mean()) % 10, optimize=True)


def profile(data: bytes) -> Writer:
    """A slide with this colour profile."""
    tags = {_ICC: (UNDEFINED, data)}
    layout = Layout(codecs.YCBCR_JPEG, YCBCR, (64, 64), tags=tags)
    return lambda path: write_picture(path, layout)


def _srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _of_space(space: bytes) -> bytes:
    """A profile that says that it is for colours of another kind."""
    data = _srgb()
    return data[:16] + space + data[20:]


def _add(marker: int, data: bytes) -> Change:
    return lambda jpeg: with_segment(jpeg, marker, data)


HEADERS = (
    OddSlide(
        "jpeg-restarts.tif",
        "restart intervals, as Hamamatsu's",
        every(partial(_pillow, restart_marker_blocks=1)),
    ),
    OddSlide("jpeg-own-tables.tif", "tables of each tile's own", every(_own_tables)),
    OddSlide(
        "jpeg-progressive.tif", "progressive tiles", every(partial(_pillow, progressive=True))
    ),
    OddSlide(
        "jpeg-comment.tif",
        "the encoder's name in each tile",
        every(lambda tile: with_segment(slide_files.ycbcr_jpeg(tile), _COMMENT, b"x" * 600)),
    ),
    OddSlide(
        "jpeg-trailing.tif",
        "bytes after the end of the picture",
        every(lambda tile: slide_files.ycbcr_jpeg(tile) + bytes(7)),
    ),
    OddSlide(
        "jpeg-adobe-ycbcr.tif",
        "Adobe's word that says what the page says",
        later(_add(_APP14, _YCBCR_ADOBE)),
    ),
)

LATER_HEADERS = (
    OddSlide(
        "jpeg-later-adobe.tif",
        "FIELD B: iipsrv#279, later tiles say RGB, the page YCbCr",
        later(_add(_APP14, _RGB_ADOBE)),
    ),
    OddSlide(
        "jpeg-later-jfif.tif",
        "FIELD B: iipsrv#282, later tiles say JFIF, the page RGB",
        later(_add(_APP0, _JFIF), slide_files.rgb_jpeg),
    ),
    OddSlide(
        "jpeg-later-turned.tif",
        "FIELD B: later tiles ask browsers to turn them",
        later(_add(_APP1, _TURNED)),
    ),
)

_WIDE, _SCANNER = matrix_profile("Wide"), lut_profile("Scanner", stained)


def _applied(name: str, reason: str, data: bytes) -> OddSlide:
    return OddSlide(
        name, reason, profile(data), Served(words='"applied": true', tolerance=8, profile=data)
    )


PROFILES = (
    _applied("icc-wide.tif", "FIELD G: primaries and a curve, which are applied", _WIDE),
    _applied("icc-scanner.tif", "FIELD G: a scanner's table, which is applied", _SCANNER),
    OddSlide("icc-srgb.tif", "FIELD G: the profile that screens have", profile(_srgb())),
    OddSlide("icc-damaged.tif", "FIELD G: half a profile", profile(_srgb()[:200])),
    OddSlide("icc-grey.tif", "FIELD G: a profile of greys on colours", profile(_of_space(b"GRAY"))),
    OddSlide("icc-cmyk.tif", "FIELD G: a profile of inks on colours", profile(_of_space(b"CMYK"))),
)
