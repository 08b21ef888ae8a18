"""What files say of their scale, sensible or not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests import slide_files
from tests.corpus import codecs
from tests.corpus.odd_slide import OddSlide, Served, Writer, picture
from tests.corpus.tiff import YCBCR, Layout, write_picture
from tests.raw_tiff import RATIONAL, SHORT, Values
from tests.slide_files import Pixels

_NO_UNIT, _INCH, _CENTIMETRE = 1, 2, 3
Fraction = tuple[int, int]


def resolution(x: Fraction | None, y: Fraction | None, unit: int | None) -> Writer:
    """Pixels per unit along x and y as TIFF's tags state them, `None` for no tag."""
    tags: dict[int, tuple[int, Values]] = {}
    if x is not None:
        tags[282] = (RATIONAL, x)
    if y is not None:
        tags[283] = (RATIONAL, y)
    if unit is not None:
        tags[296] = (SHORT, [unit])
    layout = Layout(codecs.YCBCR_JPEG, YCBCR, (64, 64), tags=tags)
    return lambda path: write_picture(path, layout)


_QUARTER = Served(mpp=(0.25, 0.25))


def square(per_unit: Fraction, unit: int | None) -> Writer:
    """The same along both axes."""
    return resolution(per_unit, per_unit, unit)


def aperio(words: str) -> Writer:
    """An Aperio slide whose description ends in these words."""

    def write(path: Path) -> Sequence[Pixels]:
        levels = picture(path, 4)
        height, width = levels[0].shape[:2]
        head = slide_files.APERIO.format(width=width, height=height, tile=64)
        slide_files.write_encoded(
            path, levels, slide_files.ycbcr_jpeg, description=f"{head}JPEG Q=90|{words}"
        )
        return levels

    return write


SCALES = (
    OddSlide("scale-cm.tif", "pixels per centimetre", square((40_000, 1), _CENTIMETRE), _QUARTER),
    OddSlide("scale-inch.tif", "pixels per inch", square((101_600, 1), _INCH), _QUARTER),
    OddSlide(
        "scale-unit-missing.tif", "inches where none is said", square((101_600, 1), None), _QUARTER
    ),
    OddSlide("scale-no-unit.tif", "a shape only, no size", square((40_000, 1), _NO_UNIT)),
    OddSlide("scale-zero.tif", "0 pixels per centimetre", square((0, 1), _CENTIMETRE)),
    OddSlide("scale-by-zero.tif", "a fraction without a value", square((1, 0), _CENTIMETRE)),
    OddSlide(
        "scale-one-axis.tif",
        "the height's scale is missing",
        resolution((40_000, 1), None, _CENTIMETRE),
    ),
    OddSlide(
        "scale-aperio.svs", "Aperio's own words", aperio("AppMag = 40|MPP = 0.2500"), _QUARTER
    ),
    OddSlide("scale-nan.svs", "a scale that is no number", aperio("AppMag = 40|MPP = nan")),
    OddSlide("scale-negative.svs", "a scale below 0", aperio("MPP = -0.25")),
)

IMPLAUSIBLE = (
    OddSlide(
        "scale-tenfold.tif",
        "FIELD C: TRIDENT#135, 0.025 um, about 400x",
        square((400_000, 1), _CENTIMETRE),
        Served(words="claims 0.025"),
    ),
    OddSlide(
        "scale-600-dpi.tif",
        "FIELD C: libvips#4669, a printer's 600 dpi",
        square((600, 1), _INCH),
        Served(words="claims 42.3"),
    ),
    OddSlide(
        "scale-72-dpi.tif", "a screen's 72 dpi", square((72, 1), _INCH), Served(words="claims 35")
    ),
    OddSlide(
        "scale-huge.tif",
        "FIELD C: openslide#349, 4,000,000,000 pixels per centimetre",
        square((4_000_000_000, 1), _CENTIMETRE),
        Served(words="claims 0.0000025"),
    ),
    OddSlide(
        "scale-oblong.tif",
        "FIELD C: dlup#183, 0.25 x 0.5 um",
        resolution((40_000, 1), (20_000, 1), _CENTIMETRE),
        Served(mpp=(0.25, 0.5)),
    ),
    OddSlide(
        "scale-power.svs",
        "an objective that no microscope has",
        aperio("AppMag = 4000000|MPP = 0.25"),
        Served(mpp=(0.25, 0.25), words="4000000x"),
    ),
)
