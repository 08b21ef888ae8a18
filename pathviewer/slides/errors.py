"""Errors about slides; every message can be shown to any user.

Messages name a slide by its display name or id, never by a path. JSON codes follow class names.
"""
# ruff: noqa: N818

from __future__ import annotations

import struct

from pathviewer.common.errors import UserError

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
"""Errors that parsing libraries raise on damaged files, besides their own."""


class SlideError(UserError):
    """Root of all errors about slides and tiles."""

    code = "slide_error"


class SlideNotFound(SlideError):
    """No slide has this id."""

    code = "slide_not_found"


class SlideGone(SlideError):
    """The slide is known, but its file no longer exists."""

    code = "slide_gone"


class SlideChanged(SlideError):
    """The slide has changed since the page of this request displayed it."""

    code = "slide_changed"


class SlideUnopenable(SlideError):
    """The file exists, but no library can open it."""

    code = "slide_unopenable"


class SlideUnsupported(SlideUnopenable):
    """The file may be sound, but its content cannot be shown here.

    The message names that content and how to make a file that can be shown.
    """

    code = "slide_unsupported"


class SlideEndedReader(SlideError):
    """Reading the file ended the reader process, or exceeded the reader's time limit."""

    code = "slide_ended_reader"


class SlideTooLarge(SlideError):
    """The slide needs more memory than a reader may use."""

    code = "slide_too_large"


class ReadersBusy(SlideError):
    """No reader is available: the program is ending, or readers cannot be started."""

    code = "readers_unavailable"


class TooManyRegions(SlideError):
    """The account has as many regions as the settings allow."""

    code = "too_many_regions"


class TileNotFound(SlideError):
    """The slide has no such level, column or row."""

    code = "tile_not_found"


class TileDamaged(SlideError):
    """Pixels of an open slide cannot be read; its other tiles may be sound."""

    code = "tile_damaged"


class RegionError(SlideError):
    """A region is empty, lies outside the slide, or has too many pixels."""

    code = "bad_region"


class RegionTooSlow(SlideError):
    """A region takes longer to read than a reader may take."""

    code = "region_too_slow"


class ImageNotFound(SlideError):
    """The slide has no such associated image, or the settings do not allow it to be shown."""

    code = "image_not_found"
