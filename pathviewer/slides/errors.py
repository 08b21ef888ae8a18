"""What can go wrong with a slide, as errors whose message may be shown to anybody.

Messages name a slide by its display name or id, never by a path. Class names are the JSON codes.
"""
# ruff: noqa: N818

from __future__ import annotations

import struct
from typing import ClassVar

DAMAGED_BYTES = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    ArithmeticError,
    AttributeError,
    TypeError,
    RecursionError,
    MemoryError,
    struct.error,
)
"""What libraries that parse files raise, besides their own errors, on damaged ones."""


class SlideError(Exception):
    """Root of every error about slides and tiles."""

    code: ClassVar[str] = "slide_error"
    """Stable word for programs, the `code` of the JSON error."""

    status: ClassVar[int] = 500
    """HTTP status of the error."""


class SlideNotFound(SlideError):
    """No slide has this id."""

    code = "slide_not_found"
    status = 404


class SlideGone(SlideError):
    """The slide is known, but its file is no longer there."""

    code = "slide_gone"
    status = 410


class SlideChanged(SlideError):
    """A page asked about a slide that it showed otherwise than the slide is now."""

    code = "slide_changed"
    status = 409


class BadIdentity(SlideError):
    """What a question says of the slide that its page showed is no identity."""

    code = "bad_identity"
    status = 400


class SlideUnopenable(SlideError):
    """The file is there, but no library can open it."""

    code = "slide_unopenable"
    status = 422


class SlideUnsupported(SlideUnopenable):
    """The file may well be sound, but it holds something that cannot be shown here.

    The message says what it is, and how to make a file that can be shown.
    """

    code = "slide_unsupported"


class SlideEndedReader(SlideError):
    """Reading the file ended the reader process, or took longer than a reader may take."""

    code = "slide_ended_reader"
    status = 422


class SlideTooLarge(SlideError):
    """The slide needs more memory than a reader may use."""

    code = "slide_too_large"
    status = 422


class ReadersBusy(SlideError):
    """No reader can be had: the program ends, or readers cannot be started."""

    code = "readers_unavailable"
    status = 503


class TooManyRegions(SlideError):
    """The account has as many regions as the settings allow."""

    code = "too_many_regions"
    status = 409


class TileNotFound(SlideError):
    """The slide has no such level, column or row."""

    code = "tile_not_found"
    status = 404


class TileDamaged(SlideError):
    """Pixels of an open slide cannot be read; its other tiles may well be sound."""

    code = "tile_damaged"
    status = 422


class RegionError(SlideError):
    """A rectangle that is empty, lies outside the slide, or asks for too many pixels."""

    code = "bad_region"
    status = 400


class RegionTooSlow(SlideError):
    """A region that takes longer to read than a reader may take."""

    code = "region_too_slow"
    status = 422


class ImageNotFound(SlideError):
    """The slide has no such associated image, or the settings do not let it be shown."""

    code = "image_not_found"
    status = 404
