"""The pictures of an evaluation, as they are or with what they show taken away."""

from __future__ import annotations

import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image, UnidentifiedImageError

from models.errors import PromptError, reason
from models.flat_histogram import equalise_histogram
from models.messages import Box, PromptImage
from models.pictures import as_prompt_image, check_size, convert_to_rgb

ControlColour = Literal["as-is", "none"]

PLAIN = {"PNG", "JPEG"}
"""Formats that are passed on as they are."""
DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)
"""What Pillow raises on files that are cut off or are no pictures."""


@dataclass(frozen=True)
class PictureControl:
    """What is taken away from every picture before the model sees it."""

    colour: ControlColour = "as-is"
    """`none` leaves form alone: grey, with an exactly flat histogram (`equalising`)."""
    blank: bool = False
    """Whether the picture is replaced by a white one of its size."""


def load_controlled_picture(path: Path, control: PictureControl) -> PromptImage:
    """A picture file as it is put to the model; its box is its own pixels.

    PNG and JPEG files go on unchanged, other formats as PNG. Raises PromptError for a file that
    is no picture, cut off, or too large to be changed.
    """
    try:
        with warnings.catch_warnings():
            # The size is bounded below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return _read_controlled(path, control)
    except (*DECODING_ERRORS, Image.DecompressionBombError) as error:
        # Pillow's own sentence on what it does not know names the path
        why = "it is no picture" if isinstance(error, UnidentifiedImageError) else reason(error)
        message = f"The picture {path.name} cannot be read ({why})."
        raise PromptError(message) from error


def _read_controlled(path: Path, control: PictureControl) -> PromptImage:
    """The file itself, or a PNG of the changed picture."""
    with Image.open(path) as picture:
        box = Box(0, 0, *picture.size)
        if control == PictureControl() and picture.format in PLAIN:
            return PromptImage(path.read_bytes(), box)
        check_size(*picture.size)
        return as_prompt_image(_apply_control(picture, control), box)


def _apply_control(picture: Image.Image, control: PictureControl) -> Image.Image:
    """What a control leaves of a picture."""
    if control.blank:
        return Image.new("RGB", picture.size, "white")
    return (
        convert_to_rgb(picture)
        if control.colour == "as-is"
        else equalise_histogram(convert_to_rgb(picture))
    )
