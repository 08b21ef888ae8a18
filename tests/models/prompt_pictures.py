"""Pictures for prompts, as files in memory."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from models.messages import Box, PromptImage


def noise(width: int, height: int, *, seed: int = 0) -> Image.Image:
    """A picture of random colours."""
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def png(image: Image.Image, **options: object) -> bytes:
    """The picture as a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def jpeg(image: Image.Image) -> bytes:
    """The picture as a JPEG file."""
    file = io.BytesIO()
    image.save(file, "JPEG")
    return file.getvalue()


def prompt_image(width: int, height: int, *, seed: int = 0) -> PromptImage:
    """A picture of random colours that shows a region at (1000, 2000)."""
    data = png(noise(width, height, seed=seed))
    return PromptImage(data, Box(1000, 2000, 2 * width, 2 * height))


def png_that_claims(width: int, height: int) -> bytes:
    """The head of a PNG of so many pixels, without their data."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
