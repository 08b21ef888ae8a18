"""Pixels of JPEG tiles, decoded only if their size is as expected."""

from __future__ import annotations

import numpy as np
import simplejpeg
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def decode_tile(
    jpeg: bytes | bytearray, size: tuple[int, int], *, factor: int = 1, colours: str = "RGB"
) -> Pixels | None:
    """Return (height, width, channels) pixels at 1/`factor`, `None` if the stream is damaged.

    A stream whose header states another size than `size`, (width, height), also counts as damaged:
    it would leave parts of the tile empty, or take unbounded memory.
    """
    width, height = size
    least = (-(-height // factor), -(-width // factor)) if factor > 1 else (0, 0)
    try:
        if simplejpeg.decode_jpeg_header(jpeg)[:2] != (height, width):
            return None
        decoded: Pixels = simplejpeg.decode_jpeg(
            jpeg, colours, min_factor=factor, min_height=least[0], min_width=least[1]
        )
    except ValueError:
        return None
    return decoded
