"""Colour profiles of slide files, and colour correction to sRGB."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from pathviewer.slides import user_messages
from pathviewer.slides.colour_table import ColourTable, table_candidates

MOST_PROFILE_BYTES = 8 * 2**20
"""Longer profiles are ignored; scanner profiles have up to about 2 MiB."""


_HEADER_BYTES = 132
_INPUTS = (b"scnr", b"mntr", b"spac", b"prtr")
"""Profile classes that describe the colours of a device."""

_SPACES = {b"GRAY": "grey", b"CMYK": "CMYK", b"Lab ": "Lab", b"XYZ ": "XYZ"}
_LONGEST_NAME = 100
_SAMPLES = 20_000
_ALLOWED = 2
"""Largest difference allowed between the page's colours and ImageCms's, of 255."""


@dataclass(frozen=True)
class ColourProfile:
    """A slide's colour profile and whether it is applied."""

    name: str
    """Description in the profile."""

    applied: bool
    """Whether colours are corrected by this profile."""

    reason: str | None
    """Why the profile is not applied, without a full stop; `None` if it is applied."""

    @property
    def sentence(self) -> str:
        """Name and state, such as `Aperio ScanScope v1, applied`."""
        return (
            user_messages.profile_applied(self.name)
            if self.applied
            else user_messages.profile_ignored(self.name, self.reason)
        )


class ProfileIgnored(Exception):  # noqa: N818  a state of the profile, not of the slide
    """The profile cannot be used; the message gives the reason, without a full stop."""


class SlideColours:
    """Colour correction by one profile. An unusable profile leaves all colours unchanged."""

    def __init__(self, data: bytes) -> None:
        """Read the profile from `data`, its file, which may be damaged."""
        self._transform: ImageCms.ImageCmsTransform | None = None
        self.table: ColourTable | None = None
        name = user_messages.NAMELESS_PROFILE
        try:
            _check_header(data)
            profile = _opened(data)
            name = _name(profile) or name
            self._transform, self.table = _corrections(data, profile)
            self.profile = ColourProfile(name, applied=True, reason=None)
        except ProfileIgnored as error:
            self.profile = ColourProfile(name, applied=False, reason=str(error))

    def correct(self, image: Image.Image) -> Image.Image:
        """Return an RGB picture converted to sRGB."""
        return image if self._transform is None else _applied(self._transform, image)


def ignored_colours(reason: str) -> SlideColours:
    """Return the colours of a file whose profile cannot be read."""
    colours = SlideColours(b"")
    colours.profile = ColourProfile(user_messages.NAMELESS_PROFILE, applied=False, reason=reason)
    return colours


def _check_header(data: bytes) -> None:
    """Raise ProfileIgnored for data that cannot be a profile of RGB pixels (ICC.1, 7.2)."""
    if len(data) > MOST_PROFILE_BYTES:
        raise ProfileIgnored(user_messages.profile_too_large(MOST_PROFILE_BYTES))
    size = int.from_bytes(data[:4])
    if (
        len(data) < _HEADER_BYTES
        or data[36:40] != b"acsp"
        or not _HEADER_BYTES <= size <= len(data)
    ):
        raise ProfileIgnored(user_messages.PROFILE_DAMAGED)
    if data[16:20] != b"RGB ":
        space = _SPACES.get(data[16:20], "other")
        raise ProfileIgnored(user_messages.profile_of_other_colours(space))
    if data[12:16] not in _INPUTS:
        raise ProfileIgnored(user_messages.PROFILE_OF_NO_DEVICE)


def _opened(data: bytes) -> ImageCms.ImageCmsProfile:
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(data))
    except (OSError, ImageCms.PyCMSError) as error:
        raise ProfileIgnored(user_messages.PROFILE_DAMAGED) from error


def _name(profile: ImageCms.ImageCmsProfile) -> str:
    try:
        text = ImageCms.getProfileDescription(profile)
    except ImageCms.PyCMSError:
        return ""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(shown.split())[:_LONGEST_NAME]


def _corrections(
    data: bytes, profile: ImageCms.ImageCmsProfile
) -> tuple[ImageCms.ImageCmsTransform, ColourTable]:
    """Return the transform to sRGB with the profile's own intent, and the equivalent table.

    Raises ProfileIgnored, also if the profile changes nothing.
    """
    try:
        intent = ImageCms.getDefaultIntent(profile)
        transform = ImageCms.buildTransform(
            profile,
            ImageCms.createProfile("sRGB"),
            "RGB",
            "RGB",
            renderingIntent=ImageCms.Intent(intent),
        )
        colours = _samples()
        expected = _colours(transform, colours)
        if _difference(expected, colours) <= 1:
            raise ProfileIgnored(user_messages.PROFILE_IS_SRGB)
        white = tuple(int(value) for value in expected[255])
        for table in table_candidates(data, intent, white):
            if _difference(table.apply(colours), expected) <= _ALLOWED:
                return transform, table
    except ImportError as error:
        raise ProfileIgnored(user_messages.PROFILE_NEEDS_IMAGECODECS) from error
    except (OSError, ValueError, ImageCms.PyCMSError, RuntimeError) as error:
        raise ProfileIgnored(user_messages.PROFILE_DAMAGED) from error
    raise ProfileIgnored(user_messages.PROFILE_NOT_REPRODUCIBLE)


def _samples() -> NDArray[np.uint8]:
    """Return (n, 3) colours: all greys, then random ones from the whole cube."""
    greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    random = np.random.default_rng(1)
    return np.concatenate([greys, random.integers(0, 256, (_SAMPLES, 3), np.uint8)])


def _colours(
    transform: ImageCms.ImageCmsTransform, colours: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    corrected: NDArray[np.uint8] = np.asarray(_applied(transform, Image.fromarray(colours[None])))
    return corrected.reshape(-1, 3)


def _applied(transform: ImageCms.ImageCmsTransform, image: Image.Image) -> Image.Image:
    corrected = ImageCms.applyTransform(image, transform)
    if corrected is None:
        raise ProfileIgnored(user_messages.PROFILE_DAMAGED)
    return corrected


def _difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    return int(np.abs(one.astype(np.int16) - other).max())
