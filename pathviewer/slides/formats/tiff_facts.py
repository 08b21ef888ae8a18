"""Facts about the slide in a TIFF file, under OpenSlide's names."""

from __future__ import annotations

import math
import re

import tifffile

from pathviewer.slides.formats.tiff_pages import TiffPicture

_MICRONS = {2: 25_400.0, 3: 10_000.0}
"""Microns in TIFF's resolution units: inch and centimetre."""

_APERIO = re.compile(r"\|\s*(MPP|AppMag)\s*=\s*([\d.]+)")


def tiff_properties(picture: TiffPicture) -> dict[str, str]:
    """Return the format, scale and magnification.

    OME-XML takes precedence over an Aperio-style description, and that over the resolution tags.
    """
    ome, base = picture.ome, picture.base
    properties = {"openslide.vendor": "generic-tiff"}
    aperio = dict(_APERIO.findall(picture.description[:4096]))
    mpp = ome.mpp if ome is not None and ome.mpp is not None else None
    if mpp is None and "MPP" in aperio:
        properties |= {"openslide.mpp-x": aperio["MPP"], "openslide.mpp-y": aperio["MPP"]}
    elif mpp is None:
        mpp = _resolution(base)
    if mpp is not None:
        properties |= {"openslide.mpp-x": f"{mpp[0]:.9g}", "openslide.mpp-y": f"{mpp[1]:.9g}"}
    power = ome.objective_power if ome is not None else None
    power = power or aperio.get("AppMag")
    return properties if power is None else properties | {"openslide.objective-power": power}


def _resolution(page: tifffile.TiffPage) -> tuple[float, float] | None:
    """Return microns per pixel along x and y from the resolution tags."""
    unit = _MICRONS.get(page.tags.valueof(296, 2))
    sides = [_ratio(page.tags.valueof(code)) for code in (282, 283)]
    if unit is None or sides[0] is None or sides[1] is None:
        return None
    return unit / sides[0], unit / sides[1]


def _ratio(value: object) -> float | None:
    """Return a positive fraction as a float, `None` for other values."""
    if not isinstance(value, tuple) or len(value) != 2 or not value[1]:
        return None
    ratio = float(value[0]) / float(value[1])
    return ratio if math.isfinite(ratio) and ratio > 0 else None
