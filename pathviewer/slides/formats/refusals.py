"""Reasons why sound files cannot be shown, each with a remedy."""

from __future__ import annotations

from importlib.util import find_spec

import tifffile

from pathviewer.slides import user_messages
from pathviewer.slides.formats.tiff_pages import YCBCR, TiffPicture

_MOST_SEGMENT_PIXELS = 2**24
"""Most pixels of a tile or strip: 4096 x 4096."""

_MOST_SEGMENTS = 4_000_000
"""Most tiles or strips of an image, whose offsets are held in memory."""

_MOST_STRIP_PIXELS = 2**28
"""Most pixels of an image stored as strips: 16384 x 16384."""

_COMPRESSIONS = {
    2: "CCITT RLE",
    3: "CCITT fax",
    4: "CCITT fax",
    5: "LZW",
    6: "old-style JPEG",
    7: "JPEG",
    8: "deflate",
    32946: "deflate",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    34712: "JPEG 2000",
    22610: "JPEG XR",
    34934: "JPEG XR",
    34887: "LERC",
    34892: "JPEG",
    34925: "LZMA",
    50000: "Zstandard",
    34926: "Zstandard",
    50001: "WebP",
    34927: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_COLOURS = {
    4: "a mask",
    5: "CMYK",
    8: "CIELab",
    9: "ICCLab",
    10: "ITULab",
    32844: "LogL",
    32845: "LogLuv",
    34892: "raw sensor values",
    32803: "raw sensor values",
}
_NUMBERS = {
    2: "signed numbers",
    3: "floating-point numbers",
    5: "complex numbers",
    6: "complex numbers",
}
_DECODED_TO_RGB = {6, 7, 34892, 33007, 50001, 34927, 50002, 52546}
"""Compressions whose decoders return RGB, even for YCbCr."""


def unsupported_tiff(picture: TiffPicture) -> str | None:
    """Return why the pixels of a TIFF file cannot be shown; the rest of a sentence after its name.

    `None` if they can be shown, as far as the file's structure tells.
    """
    base = picture.base
    return _channels(picture) or _values(picture) or _layout(base) or _compression(base)


def _channels(picture: TiffPicture) -> str | None:
    names = picture.channels
    if not names:
        return None
    shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
    return user_messages.not_brightfield(len(names), shown)


def _values(picture: TiffPicture) -> str | None:
    base = picture.base
    if base.sampleformat != 1:
        kind = _NUMBERS.get(int(base.sampleformat), "values of an unknown kind")
        return user_messages.numbers_unsupported(base.bitspersample, kind)
    if not isinstance(base.bitspersample, int) or not 8 <= base.bitspersample <= 16:
        return user_messages.bits_unsupported(base.bitspersample)
    colours = _COLOURS.get(int(base.photometric))
    if base.photometric == YCBCR and base.compression not in _DECODED_TO_RGB:
        colours = f"YCbCr in {compression_name(base)}"
    if colours is None and base.photometric not in (0, 1, 2, 3, YCBCR):
        colours = f"of kind {int(base.photometric)}"
    return None if colours is None else user_messages.colours_unsupported(colours)


def _layout(page: tifffile.TiffPage) -> str | None:
    wide = page.tilewidth if page.is_tiled else page.imagewidth
    high = page.tilelength if page.is_tiled else min(page.rowsperstrip, page.imagelength)
    kind = "tiles" if page.is_tiled else "strips"
    if page.imagedepth != 1:
        return user_messages.volume_unsupported(page.imagedepth)
    if wide < 1 or high < 1 or wide * high > _MOST_SEGMENT_PIXELS:
        return user_messages.segments_too_large(kind, wide, high)
    if not page.is_tiled and page.imagewidth * page.imagelength > _MOST_STRIP_PIXELS:
        return user_messages.strips_too_large(page.imagewidth, page.imagelength, _MOST_STRIP_PIXELS)
    planes = page.samplesperpixel if page.planarconfig == 2 else 1
    count = -(-page.imagewidth // wide) * -(-page.imagelength // high)
    if count > _MOST_SEGMENTS or not (
        len(page.dataoffsets) == len(page.databytecounts) == count * planes
    ):
        return user_messages.segment_list_damaged(kind)
    return None


def compression_name(page: tifffile.TiffPage) -> str:
    """Return the name of a page's compression."""
    number = int(page.compression)
    return _COMPRESSIONS.get(number, f"method {number}")


def _compression(page: tifffile.TiffPage) -> str | None:
    """Return why no decoder is installed, `None` if one is; imagecodecs adds most of them."""
    try:
        if page.compression != 1:
            tifffile.TIFF.DECOMPRESSORS[int(page.compression)]
    except KeyError:
        pass
    else:
        return None
    if find_spec("imagecodecs") is None:
        return user_messages.compression_needs_imagecodecs(compression_name(page))
    return user_messages.compression_unsupported(compression_name(page))
