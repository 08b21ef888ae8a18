"""Pictures of an evaluation, unchanged or with information removed."""

from __future__ import annotations

import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image, UnidentifiedImageError

from models.errors import PromptError, reason
from models.evaluation.colour_transfer import transfer_colours
from models.flat_histogram import equalise_histogram
from models.messages import Box, PromptImage
from models.pictures import as_prompt_image, check_size, convert_to_rgb

ControlColour = Literal["as-is", "none"]

PLAIN = {"PNG", "JPEG"}
"""Formats passed on unchanged."""
DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)
"""Pillow's errors for truncated files and files that are not pictures."""


@dataclass(frozen=True)
class PictureControl:
    """What is removed from every picture before the model sees it."""

    colour: ControlColour = "as-is"
    """`none` leaves form alone: greyscale with an exactly flat histogram (`flat_histogram`)."""
    blank: bool = False
    """Whether to replace the picture by a white one of its size."""


def load_controlled_picture(
    path: Path, control: PictureControl, colours: Path | None = None
) -> PromptImage:
    """Load a picture file for the model; its box is its own pixels.

    `colours` names a picture whose colours it is shown in. PNG and JPEG files stay unchanged, other
    formats become PNG. Raises PromptError for a file that is not a picture, truncated, or too large
    to be changed.
    """
    try:
        with warnings.catch_warnings():
            # The size is limited below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return _read_controlled(path, control, colours)
    except (*DECODING_ERRORS, Image.DecompressionBombError) as error:
        # Pillow's message for unknown formats contains the path
        why = "it is not a picture" if isinstance(error, UnidentifiedImageError) else reason(error)
        message = f"The picture {path.name} cannot be read ({why})."
        raise PromptError(message) from error


def _read_controlled(path: Path, control: PictureControl, colours: Path | None) -> PromptImage:
    """The file's bytes, or a PNG of the changed picture."""
    with Image.open(path) as picture:
        box = Box(0, 0, *picture.size)
        if control == PictureControl() and colours is None and picture.format in PLAIN:
            return PromptImage(path.read_bytes(), box)
        check_size(*picture.size)
        shown = convert_to_rgb(picture)
        if colours is not None:
            with Image.open(colours) as source:
                check_size(*source.size)
                shown = transfer_colours(shown, convert_to_rgb(source))
        return as_prompt_image(_apply_control(shown, control), box)


def _apply_control(picture: Image.Image, control: PictureControl) -> Image.Image:
    """Apply a control to an RGB picture."""
    if control.blank:
        return Image.new("RGB", picture.size, "white")
    return picture if control.colour == "as-is" else equalise_histogram(picture)
