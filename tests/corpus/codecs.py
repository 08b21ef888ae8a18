"""Ways of turning a tile of a TIFF file into bytes."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from tests import slide_files


@dataclass(frozen=True)
class Codec:
    """A compression of TIFF."""

    compression: int
    """TIFF's number of it."""

    encode: Callable[[NDArray[Any]], bytes]
    """Bytes of a tile of (height, width, samples) or (height, width)."""


def _pillow(compression: str, number: int) -> Codec:
    """A compression of libtiff, as Pillow has it."""

    def encode(tile: NDArray[Any]) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(tile).save(buffer, "TIFF", compression=compression)
        with tifffile.TiffFile(io.BytesIO(buffer.getvalue())) as tiff:
            (offset,), (count,) = tiff.pages[0].dataoffsets, tiff.pages[0].databytecounts
        return buffer.getvalue()[offset : offset + count]

    return Codec(number, encode)


def _raw(tile: NDArray[Any]) -> bytes:
    return tile.tobytes()


def _deflate(tile: NDArray[Any]) -> bytes:
    return zlib.compress(tile.tobytes())


def _differences(tile: NDArray[Any]) -> bytes:
    return _deflate(np.diff(tile, axis=1, prepend=np.zeros_like(tile[:, :1])))


def _webp(tile: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(tile).save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()


def _jpeg_xl(tile: NDArray[Any]) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.jpegxl_encode(tile, lossless=True))


def _lerc(tile: NDArray[Any]) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.lerc_encode(tile, level=1))


NONE = Codec(1, _raw)
LZW = _pillow("tiff_lzw", 5)
DEFLATE = Codec(8, _deflate)
OLD_DEFLATE = Codec(32946, _deflate)
PACK_BITS = _pillow("packbits", 32773)
LZMA = _pillow("lzma", 34925)
ZSTD = _pillow("zstd", 50000)
GROUP4 = _pillow("group4", 4)
DIFFERENCES = Codec(8, _differences)
"""Deflate after the horizontal predictor (tag 317 is 2)."""
WEBP = Codec(50001, _webp)
JPEG_XL = Codec(50002, _jpeg_xl)
LERC = Codec(34887, _lerc)
JPEG_2000 = Codec(34712, slide_files.jpeg2000)
YCBCR_JPEG = Codec(7, slide_files.ycbcr_jpeg)
RGB_JPEG = Codec(7, slide_files.rgb_jpeg)
