"""Facts about one image in the OME-XML of a TIFF file."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree as XmlTree

_MOST_LETTERS = 4 * 2**20
"""Longer descriptions are not read; a slide's has a few thousand characters."""

_MICRONS = {
    "µm": 1.0,
    "μm": 1.0,
    "um": 1.0,
    "nm": 1e-3,
    "mm": 1e3,
    "cm": 1e4,
    "m": 1e6,
    "in": 25_400.0,
}
"""Microns in each OME-XML unit of length that scanners use."""


@dataclass(frozen=True)
class OmePicture:
    """An `Image` of OME-XML."""

    channels: tuple[str, ...]
    """Names of its channels; an RGB image has one."""

    is_fluorescence: bool
    """Whether a channel is stated to be of fluorescence, by its dye, light or contrast method."""

    samples: int
    """Values of all channels together for each pixel (SizeC)."""

    planes: int
    """Number of focal planes times points in time."""

    mpp: tuple[float, float] | None
    """Microns per pixel along x and y, `None` if not stated."""

    significant_bits: int | None
    """Used bits of a value, `None` if not stated."""

    objective_power: str | None
    """Nominal magnification, `None` if not stated."""


def ome_picture(description: str, width: int, height: int) -> OmePicture | None:
    """Return the facts about the image of this size; `None` without OME-XML or such an image."""
    if "<OME" not in description[:4096] or len(description) > _MOST_LETTERS:
        return None
    try:
        # expat limits entity expansion since 2.4.1
        root = XmlTree.fromstring(description)  # noqa: S314
    except (XmlTree.ParseError, ValueError):
        return None
    for image in root.iterfind("{*}Image"):
        pixels = image.find("{*}Pixels")
        if pixels is None:
            continue
        if (pixels.get("SizeX"), pixels.get("SizeY")) == (str(width), str(height)):
            return _picture(root, image, pixels)
    return None


def _picture(root: XmlTree.Element, image: XmlTree.Element, pixels: XmlTree.Element) -> OmePicture:
    channels = pixels.findall("{*}Channel")
    names = tuple(
        (channel.get("Name") or channel.get("Fluor") or f"channel {number}")[:40]
        for number, channel in enumerate(channels, 1)
    )
    bits = _whole(pixels.get("SignificantBits"))
    return OmePicture(
        channels=names,
        is_fluorescence=any(_is_fluorescent(channel) for channel in channels),
        samples=_whole(pixels.get("SizeC")) or 1,
        planes=(_whole(pixels.get("SizeZ")) or 1) * (_whole(pixels.get("SizeT")) or 1),
        mpp=_mpp(pixels),
        significant_bits=bits,
        objective_power=_objective(root, image),
    )


def _is_fluorescent(channel: XmlTree.Element) -> bool:
    return bool(
        channel.get("Fluor")
        or channel.get("EmissionWavelength")
        or channel.get("ContrastMethod") == "Fluorescence"
        or channel.get("IlluminationType") == "Epifluorescence"
    )


def _mpp(pixels: XmlTree.Element) -> tuple[float, float] | None:
    sides = [_microns(pixels, axis) for axis in "XY"]
    return None if sides[0] is None or sides[1] is None else (sides[0], sides[1])


def _microns(pixels: XmlTree.Element, axis: str) -> float | None:
    unit = _MICRONS.get(pixels.get(f"PhysicalSize{axis}Unit", "µm"))
    try:
        value = float(pixels.get(f"PhysicalSize{axis}", ""))
    except ValueError:
        return None
    return None if unit is None else value * unit


def _objective(root: XmlTree.Element, image: XmlTree.Element) -> str | None:
    """Return the magnification of the image's objective, or of the only one."""
    settings = image.find("{*}ObjectiveSettings")
    objectives = root.findall("{*}Instrument/{*}Objective")
    if settings is not None:
        objectives = [one for one in objectives if one.get("ID") == settings.get("ID")]
    return objectives[0].get("NominalMagnification") if len(objectives) == 1 else None


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
