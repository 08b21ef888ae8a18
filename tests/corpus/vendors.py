"""Slides as scanners' software writes them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from tests import slide_files
from tests.corpus import codecs
from tests.corpus.odd_slide import OddSlide, Served, Writer, picture
from tests.corpus.tiff import RGB, YCBCR, Layout, page_of, write_levels, write_pages
from tests.raw_tiff import ASCII, RATIONAL, SHORT, Page, Tags
from tests.slide_files import Pixels

_HALF = Served(mpp=(0.5, 0.5))
_SUBFILE, _SOFTWARE = 254, 305
_APERIO_YCBCR, _APERIO_RGB = 33003, 33005


def _aperio_rgb(path: Path) -> Sequence[Pixels]:
    """RGB components and tables stored once."""
    levels = picture(path, 4)
    first = slide_files.rgb_jpeg(next(slide_files.tiles_of(levels[0], 64)))
    tables, _ = slide_files.tables_apart(first)
    slide_files.write_encoded(
        path,
        levels,
        lambda tile: slide_files.tables_apart(slide_files.rgb_jpeg(tile))[1],
        photometric=RGB,
        description=_aperio_words(levels[0]),
        tables=tables,
    )
    return levels


def _aperio_words(finest: Pixels) -> str:
    height, width = finest.shape[:2]
    return slide_files.aperio_description(width, height)


def _jpeg2000_ycbcr(tile: Pixels) -> bytes:
    """A codestream whose components are YCbCr, which it says nowhere."""
    buffer = io.BytesIO()
    components = np.asarray(Image.fromarray(tile).convert("YCbCr"))
    Image.fromarray(components).save(buffer, "JPEG2000", no_jp2=True, mct=0)
    return buffer.getvalue()


def _aperio_jpeg2000(compression: int) -> Writer:
    encode = slide_files.jpeg2000 if compression == _APERIO_RGB else _jpeg2000_ycbcr

    def write(path: Path) -> Sequence[Pixels]:
        levels = picture(path, 4)
        layout = Layout(
            codecs.Codec(compression, encode), RGB, (64, 64), description=_aperio_words(levels[0])
        )
        write_levels(path, levels, layout)
        return levels

    return write


def _aperio_pages(path: Path) -> tuple[list[Pixels], list[Page], Layout]:
    """Levels, and level 0, thumbnail and level 1 as Aperio orders them."""
    levels = picture(path, 4)
    layout = Layout(codecs.YCBCR_JPEG, YCBCR, (64, 64), description=_aperio_words(levels[0]))
    thumbnail = _picture_page(levels[1], layout, layout.description, 0)
    return levels, [page_of(levels[0], layout), thumbnail, page_of(levels[1], layout)], layout


def _picture_page(pixels: Pixels, layout: Layout, description: str, subfile: int) -> Page:
    """A page in one strip, such as a label."""
    strips = replace(layout, codec=codecs.LZW, photometric=RGB, tile=(0, len(pixels)), strips=True)
    page = page_of(pixels, replace(strips, description=description))
    return replace(page, tags=dict(page.tags) | {_SUBFILE: (4, [subfile])})


def _aperio_with_label(path: Path) -> Sequence[Pixels]:
    levels, pages, layout = _aperio_pages(path)
    head = layout.description.splitlines()[0]
    label = _picture_page(slide_files.tissue(60, 60, 3), layout, f"{head}\nlabel 60x60", 1)
    macro = _picture_page(slide_files.tissue(90, 40, 4), layout, f"{head}\nmacro 90x40", 9)
    write_pages(path, [*pages, label, macro], layout)
    return levels


def _aperio_tiled_label(path: Path, side: int = 48) -> Sequence[Pixels]:
    levels, pages, layout = _aperio_pages(path)
    label = page_of(slide_files.tissue(side, side, 3), replace(layout, description=""))
    write_pages(path, [*pages, label], layout)
    return levels


def _aperio_large_label(path: Path) -> Sequence[Pixels]:
    """The thumbnail has a level's shape as well, and becomes one."""
    levels = _aperio_tiled_label(path, side=128)
    return [*levels, levels[1]]


def _aperio_missing_tiles(path: Path) -> Sequence[Pixels]:
    """Tiles of no bytes: white where level 0 lacks them."""
    levels, pages, layout = _aperio_pages(path)
    columns = 5
    segments = [
        b"" if index % columns == columns - 1 else data
        for index, data in enumerate(pages[0].segments)
    ]
    finest = levels[0].copy()
    finest[:, 256:] = 255
    levels = slide_files.pyramid(finest, 4)
    pages = [replace(pages[0], segments=segments), pages[1], page_of(levels[1], layout)]
    write_pages(path, pages, layout)
    return levels


def _trestle(path: Path) -> Sequence[Pixels]:
    levels = picture(path, 2, 4)
    layout = Layout(
        codecs.YCBCR_JPEG,
        YCBCR,
        (64, 64),
        tags={_SOFTWARE: (ASCII, b"MedScan\0")},
        description="Background Color=E6E6E6;White Balance=ABCDEF;Objective Power=20;"
        "JPEG Quality=90;OverlapsXY= 0 0 0 0 0 0",
    )
    write_levels(path, levels, layout)
    return levels


def _attribute(name: str, kind: str, value: str) -> str:
    return f'<Attribute Name="{name}" Group="0x0" Element="0x0" PMSVR="{kind}">{value}</Attribute>'


def _object(kind: str, *attributes: str) -> str:
    return f'<DataObject ObjectType="{kind}">{"".join(attributes)}</DataObject>'


def _array(name: str, *objects: str) -> str:
    return _attribute(name, "IDataObjectArray", f"<Array>{''.join(objects)}</Array>")


def _spacing(mpp: float) -> str:
    return " ".join([f"&quot;{mpp / 1000:.9f}&quot;"] * 2)


def philips_words(factors: Sequence[int], mpp: float) -> str:
    """What Philips writes of a slide: the pixel spacing of each level."""
    levels = [
        _object(
            "PixelDataRepresentation",
            _attribute(
                "DICOM_PIXEL_SPACING",
                "IDoubleArray",
                _spacing(mpp * factor),
            ),
            _attribute("PIIM_PIXEL_DATA_REPRESENTATION_NUMBER", "IUInt16", str(number)),
        )
        for number, factor in enumerate(factors)
    ]
    image = _object(
        "DPScannedImage",
        _attribute("PIM_DP_IMAGE_TYPE", "IString", "WSI"),
        _attribute("DICOM_PIXEL_SPACING", "IDoubleArray", _spacing(mpp)),
        _array("PIIM_PIXEL_DATA_REPRESENTATION_SEQUENCE", *levels),
    )
    root = _object("DPUfsImport", _array("PIM_DP_SCANNED_IMAGES", image))
    return f'<?xml version="1.0" encoding="UTF-8" ?>{root}'


def _philips(path: Path) -> Sequence[Pixels]:
    """Every level, the finest too, is filled up to whole tiles; spacings say the factors."""
    levels = picture(path, 2, 4, width=320, height=192)
    layout = Layout(
        codecs.YCBCR_JPEG, YCBCR, (64, 64), tags={_SOFTWARE: (ASCII, b"Philips DP v1.0\0")}
    )
    pages = []
    for number, level in enumerate(levels):
        padding = [(0, -side % 64) for side in level.shape[:2]]
        padded = np.pad(level, [*padding, (0, 0)], constant_values=255)
        words = philips_words((1, 2, 4), 0.25) if number == 0 else f"level={number}"
        pages.append(page_of(padded, replace(layout, description=words), number))
    write_pages(path, pages, layout)
    return levels


def _leica(path: Path) -> Sequence[Pixels]:
    """The slide's area is larger than what was scanned of it."""
    levels, macro = picture(path, 4), slide_files.tissue(100, 100, 8)
    per_cm = (RATIONAL, [20_000, 1])
    tags: Tags = {282: per_cm, 283: per_cm, 296: (SHORT, [3])}
    layout = Layout(codecs.YCBCR_JPEG, YCBCR, (64, 64), tags=tags)
    pages = [
        page_of(pixels, replace(layout, description=_leica_words(levels, macro)), index)
        for index, pixels in enumerate((macro, *levels))
    ]
    write_pages(path, pages, replace(layout, big=True))
    margins = ((0, 40), (0, 40)), ((0, 10), (0, 10))
    return [
        np.pad(level, [*margin, (0, 0)], constant_values=255)
        for level, margin in zip(levels, margins, strict=True)
    ]


def _leica_words(levels: Sequence[Pixels], macro: Pixels) -> str:
    """Leica's XML: nanometres of the slide, and which page is which picture."""
    nanometres = 1000

    def image(kind: str, pages: Sequence[tuple[int, Pixels]], size: tuple[int, int]) -> str:
        dimensions = "".join(
            f'<dimension sizeX="{pixels.shape[1]}" sizeY="{pixels.shape[0]}" r="{index}" '
            f'ifd="{page}"/>'
            for index, (page, pixels) in enumerate(pages)
        )
        finest = pages[0][1]
        return (
            f'<image name="{kind}" uuid="u"><creationDate>2020-01-01T00:00:00Z</creationDate>'
            '<device model="SCN400" version="1"/>'
            f'<pixels sizeX="{finest.shape[1]}" sizeY="{finest.shape[0]}">{dimensions}</pixels>'
            f'<view sizeX="{size[0]}" sizeY="{size[1]}" offsetX="0" offsetY="0" spacingZ="0"/>'
            "<scanSettings><objectiveSettings><objective>20</objective></objectiveSettings>"
            "<illuminationSettings><numericalAperture>0.4</numericalAperture>"
            "<illuminationSource>brightfield</illuminationSource></illuminationSettings>"
            "</scanSettings></image>"
        )

    height, width = levels[0].shape[:2]
    main = width * nanometres // 2, height * nanometres // 2
    slide = main[0] + 20 * nanometres, main[1] + 20 * nanometres
    return (
        '<?xml version="1.0"?><scn xmlns="http://www.leica-microsystems.com/scn/2010/10/01" '
        f'uuid="u"><collection name="c" uuid="u" sizeX="{slide[0]}" sizeY="{slide[1]}" '
        'orientation="vertical"><barcode/>'
        + image("macro", [(0, macro)], slide)
        + image("main", list(enumerate(levels, 1)), main)
        + "</collection></scn>"
    )


APERIO = (
    OddSlide("aperio-rgb.svs", "RGB tiles that say so nowhere", _aperio_rgb, _HALF),
    OddSlide("aperio-jpeg2000.svs", "JPEG 2000 of RGB", _aperio_jpeg2000(_APERIO_RGB), _HALF),
    OddSlide(
        "aperio-jpeg2000-ycbcr.svs",
        "JPEG 2000 of YCbCr",
        _aperio_jpeg2000(_APERIO_YCBCR),
        _HALF,
    ),
    OddSlide(
        "aperio-label.svs",
        "label and macro, which stay hidden",
        _aperio_with_label,
        replace(_HALF, label="hidden"),
    ),
    OddSlide(
        "aperio-tiled-label.svs",
        "FIELD A2: openslide#297, a label stored as tiles, without a word",
        _aperio_tiled_label,
        replace(_HALF, label="unnamed"),
    ),
    OddSlide("aperio-missing-tiles.svs", "FIELD A: openslide#576", _aperio_missing_tiles, _HALF),
)

LARGE_LABEL = (
    OddSlide(
        "aperio-large-label.svs",
        "FIELD A2: the same, finer than the coarsest level, which OpenSlide refuses",
        _aperio_large_label,
        Served(factors=(1, 4, 4), mpp=(0.5, 0.5), label="unnamed"),
    ),
)

OTHERS = (
    OddSlide("trestle.tif", "MedScan's levels", _trestle, Served(factors=(1, 2, 4))),
    OddSlide(
        "philips.tiff",
        "FIELD A: levels padded to whole tiles, the spacings in XML",
        _philips,
        Served(factors=(1, 2, 4), mpp=(0.25, 0.25)),
    ),
    OddSlide("leica.scn", "pages named by XML, a macro among them", _leica, Served(mpp=(0.5, 0.5))),
)
