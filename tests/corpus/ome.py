"""OME-TIFF files: XML in the first page says what the pages are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.corpus import codecs
from tests.corpus.odd_slide import OddSlide, Refused, Served, Writer, picture
from tests.corpus.samples import grey, seen_grey
from tests.corpus.tiff import BLACK_IS_ZERO, YCBCR, Layout, page_of, write_pages
from tests.slide_files import Pixels

_NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
_JPEG = Layout(codecs.YCBCR_JPEG, YCBCR, (64, 64))


def ome_words(*images: str) -> str:
    """The whole of the XML."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><OME xmlns="{_NAMESPACE}">{"".join(images)}</OME>'
    )


def ome_image(
    pixels: np.ndarray[Any, Any],
    *,
    samples: int = 3,
    size: str = "",
    channels: int = 1,
    number: int = 0,
) -> str:
    """One picture of the XML; `size` are its attributes of physical size."""
    height, width = pixels.shape[:2]
    listed = "".join(
        f'<Channel ID="Channel:{number}:{index}" Name="dye {index}" '
        f'SamplesPerPixel="{samples // channels}"/>'
        for index in range(channels)
    )
    return (
        f'<Image ID="Image:{number}"><Pixels ID="Pixels:{number}" DimensionOrder="XYCZT" '
        f'Type="uint8" SizeX="{width}" SizeY="{height}" SizeC="{samples}" SizeZ="1" SizeT="1" '
        f"{size}>{listed}<TiffData/></Pixels></Image>"
    )


def sized(size: str) -> Writer:
    """Levels in SubIFDs, the scale in XML."""

    def write(path: Path) -> Sequence[Pixels]:
        levels = picture(path, 4)
        words = ome_words(ome_image(levels[0], size=size))
        coarse = page_of(levels[1], _JPEG, 1)
        finest = page_of(levels[0], replace(_JPEG, description=words), subpages=[coarse])
        write_pages(path, [finest], _JPEG)
        return levels

    return write


def physical(x: str, y: str, unit: str = "") -> str:
    """Attributes of a physical size."""
    units = f'PhysicalSizeXUnit="{unit}" PhysicalSizeYUnit="{unit}"' if unit else ""
    return f'PhysicalSizeX="{x}" PhysicalSizeY="{y}" {units}'


def _series(path: Path) -> Sequence[Pixels]:
    """A small overview first, the slide second."""
    levels = picture(path, 4)
    overview = levels[1][:32, :48]
    words = ome_words(
        ome_image(overview),
        ome_image(levels[0], size=physical("0.25", "0.25"), number=1),
    )
    coarse = page_of(levels[1], _JPEG, 1)
    pages = [
        page_of(overview, replace(_JPEG, description=words)),
        page_of(levels[0], _JPEG, subpages=[coarse]),
    ]
    write_pages(path, pages, _JPEG)
    return levels


def _channels(path: Path) -> Sequence[Pixels]:
    """Four dyes, a page each."""
    (finest,) = picture(path)
    layout = Layout(
        photometric=BLACK_IS_ZERO, description=ome_words(ome_image(finest, samples=4, channels=4))
    )
    planes = [grey(finest), *np.moveaxis(finest, 2, 0)]
    write_pages(path, [page_of(np.ascontiguousarray(plane), layout) for plane in planes], layout)
    return []


def _one_channel(path: Path) -> Sequence[Pixels]:
    (finest,) = picture(path)
    words = ome_words(ome_image(finest, samples=1))
    layout = Layout(photometric=BLACK_IS_ZERO, description=words)
    write_pages(path, [page_of(grey(finest), layout)], layout)
    return [seen_grey(grey(finest))]


_QUARTER = Served(mpp=(0.25, 0.25))

OME = (
    OddSlide("ome-um.ome.tif", "micrometres", sized(physical("0.25", "0.25", "µm")), _QUARTER),
    OddSlide(
        "ome-no-unit.ome.tif",
        "micrometres where nothing is said",
        sized(physical("0.25", "0.25")),
        _QUARTER,
    ),
    OddSlide("ome-nm.ome.tif", "nanometres", sized(physical("250", "250", "nm")), _QUARTER),
    OddSlide(
        "ome-mm.ome.tif", "millimetres", sized(physical("0.00025", "0.00025", "mm")), _QUARTER
    ),
    OddSlide("ome-pixel.ome.tif", "no unit of length", sized(physical("1", "1", "pixel"))),
    OddSlide("ome-no-size.ome.tif", "no physical size", sized("")),
    OddSlide(
        "ome-oblong.ome.tif",
        "FIELD C: each axis its own size",
        sized(physical("0.25", "0.5", "µm")),
        Served(mpp=(0.25, 0.5)),
    ),
    OddSlide(
        "ome-series.ome.tif",
        "the slide is the second picture",
        _series,
        replace(_QUARTER, label="unnamed"),
    ),
    OddSlide(
        "ome-grey.ome.tif",
        "FIELD D2: one channel of light",
        _one_channel,
        Served(factors=(1,), words="8-bit grey"),
    ),
    OddSlide(
        "ome-channels.ome.tif",
        "FIELD D2: ASAP#143, four dyes",
        _channels,
        Refused(["fluorescence", "dye 0"]),
    ),
)
