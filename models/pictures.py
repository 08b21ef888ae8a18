"""Safe decoding of picture files to RGB, without a model library."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from models import user_messages
from models.errors import PromptError
from models.messages import Box, PromptImage

PIXEL_LIMIT = 2**26
"""Most pixels of a picture before resizing; as RGB, this takes 192 MiB."""

DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)
"""Pillow's errors for truncated files and files that are not pictures."""


def open_picture(source: bytes | Path) -> Image.Image:
    """Read a PNG or JPEG file as RGB, with transparency on white and 16 bits reduced to 8.

    Raises PromptError if it is unreadable, damaged or has more than `PIXEL_LIMIT` pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            file = io.BytesIO(source) if isinstance(source, bytes) else source
            with Image.open(file, formats=["PNG", "JPEG"]) as image:
                check_size(*image.size)
                image.load()
                return convert_to_rgb(image)
    except Image.DecompressionBombError as error:
        raise PromptError(user_messages.picture_far_too_large(PIXEL_LIMIT)) from error
    except FileNotFoundError as error:
        raise PromptError(user_messages.no_file(Path(str(source)).name)) from error
    except DECODING_ERRORS as error:
        name = "The picture" if isinstance(source, bytes) else source.name
        raise PromptError(user_messages.picture_unreadable(name)) from error


def check_size(width: int, height: int) -> None:
    """Raise PromptError for a picture too large for memory; sides in pixels."""
    if width * height > PIXEL_LIMIT:
        raise PromptError(user_messages.picture_too_large(width, height, PIXEL_LIMIT))


def convert_to_rgb(image: Image.Image) -> Image.Image:
    """Convert any PNG or JPEG mode to 8-bit RGB, composited on white; always a new picture."""
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow's own conversion clips
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def as_prompt_image(image: Image.Image, box: Box, compress_level: int = 1) -> PromptImage:
    """Encode a picture of `box`, level-0 pixels, as PNG; level 0 is fastest, 9 smallest."""
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=compress_level)
    return PromptImage(out.getvalue(), box)
