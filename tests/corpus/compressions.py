"""Tiled TIFF files in every compression that writers of slides choose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests import slide_files
from tests.corpus import codecs
from tests.corpus.odd_slide import OddSlide, Refused, Writer, picture
from tests.corpus.tiff import RGB, YCBCR, Layout, write_levels, write_picture
from tests.raw_tiff import SHORT
from tests.slide_files import Pixels

_SUBSAMPLING, _PREDICTOR = 530, 317


def written(layout: Layout) -> Writer:
    """A pyramid of the file's own picture in this layout."""
    return lambda path: write_picture(path, layout)


def _uncompressed(path: Path) -> Sequence[Pixels]:
    levels = picture(path, 4, width=96, height=80)
    write_levels(path, levels, Layout(codecs.NONE, tile=(32, 32)))
    return levels


def _jpeg_444(path: Path) -> Sequence[Pixels]:
    codec = codecs.Codec(7, lambda tile: slide_files.ycbcr_jpeg(tile, "444"))
    layout = Layout(codec, YCBCR, (64, 64), tags={_SUBSAMPLING: (SHORT, [1, 1])})
    return write_picture(path, layout)


def _jpeg_tables(path: Path) -> Sequence[Pixels]:
    levels = picture(path, 4)
    first = slide_files.ycbcr_jpeg(next(slide_files.tiles_of(levels[0], 64)))
    tables, _ = slide_files.tables_apart(first)
    slide_files.write_encoded(
        path,
        levels,
        lambda tile: slide_files.tables_apart(slide_files.ycbcr_jpeg(tile))[1],
        tables=tables,
    )
    return levels


_TILES = (64, 64)

COMPRESSIONS = (
    OddSlide("none.tif", "the plainest tiled TIFF, tiles of 32 px", _uncompressed),
    OddSlide("lzw.tif", "QuPath's and ImageJ's default", written(Layout(codecs.LZW))),
    OddSlide("deflate.tif", "tifffile's and libvips's deflate", written(Layout(codecs.DEFLATE))),
    OddSlide("old-deflate.tif", "deflate's old number 32946", written(Layout(codecs.OLD_DEFLATE))),
    OddSlide(
        "predictor.tif",
        "deflate after horizontal differences, GDAL's and libvips's choice",
        written(Layout(codecs.DIFFERENCES, tags={_PREDICTOR: (SHORT, [2])})),
    ),
    OddSlide("zstd.tif", "libvips's zstd", written(Layout(codecs.ZSTD))),
    OddSlide("packbits.tif", "run lengths of old Macs", written(Layout(codecs.PACK_BITS))),
    OddSlide(
        "jpeg-420.tif",
        "what scanners write: YCbCr with the colours at half resolution",
        written(Layout(codecs.YCBCR_JPEG, YCBCR, _TILES)),
    ),
    OddSlide("jpeg-444.tif", "YCbCr with the colours at full resolution", _jpeg_444),
    OddSlide("jpeg-tables.tif", "tables of all tiles stored once", _jpeg_tables),
    OddSlide(
        "jpeg-rgb.tif",
        "RGB components without a word in the stream",
        written(Layout(codecs.RGB_JPEG, RGB, _TILES)),
    ),
)

BEYOND_OPENSLIDE = (
    OddSlide("lzma.tif", "bioformats' LZMA", written(Layout(codecs.LZMA))),
    OddSlide("jpeg2000.tif", "libvips's and GDAL's JPEG 2000", written(Layout(codecs.JPEG_2000))),
    OddSlide("webp.tif", "FIELD D: openslide#416", written(Layout(codecs.WEBP))),
    OddSlide("jpeg-xl.tif", "FIELD D: openslide#416", written(Layout(codecs.JPEG_XL))),
    OddSlide("lerc.tif", "FIELD D: compression of maps", written(Layout(codecs.LERC))),
)

UNREADABLE = (
    OddSlide(
        "unknown-compression.tif",
        "FIELD D: a compression that nobody knows",
        written(Layout(codecs.Codec(61234, codecs.NONE.encode))),
        Refused(["method 61234", "vips tiffsave"]),
    ),
)
