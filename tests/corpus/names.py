"""Names of files: any letters, and any ending."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from tests.corpus import codecs
from tests.corpus.odd_slide import OddSlide
from tests.corpus.tiff import YCBCR, Layout, write_picture
from tests.slide_files import Pixels

_JPEG = Layout(codecs.YCBCR_JPEG, YCBCR, (64, 64))


def _plain(path: Path) -> Sequence[Pixels]:
    return write_picture(path, _JPEG)


def _decomposed(path: Path) -> Sequence[Pixels]:
    """The name on the disk as macOS writes it: letters and their marks apart."""
    return write_picture(path.with_name(unicodedata.normalize("NFD", path.name)), _JPEG)


def named(name: str, reason: str) -> OddSlide:
    """An ordinary slide of this name."""
    return OddSlide(name, reason, _plain)


NAMES = (
    named("Łódź Größe.tif", "FIELD F: composed letters"),
    OddSlide("Bébé Zoë.tif", "FIELD F: sanic#2625, decomposed letters on the disk", _decomposed),
    named("H&E slide (1) #2, 50% + more.tif", "letters that mean something in addresses"),
    named('it\'s "quoted" <b>.tif', "quotes, and what HTML would take for a tag"),
    named("slide-\U0001f52c\U0001f469\u200d\U0001f52c.tif", "emoji, one of them joined"),
    named("\u05e9\u05e7\u05d5\u05e4\u05d9\u05ea 12.tif", "letters from right to left"),
    named("\u7d44\u7e54\u5207\u7247.tif", "letters of three bytes"),
    named("n" * 200 + ".tif", "200 letters"),
    named("CAPITALS.TIFF", "an ending in capitals"),
    named("two.dots.tif.svs", "FIELD I: an ending of another format behind the right one"),
    named("-rf.tif", "a name like an option"),
)

ENDINGS = (
    named("without-ending", "FIELD I: dicomviewer#146, a TIFF file without an ending"),
    named("akoya.qptiff", "FIELD I: an ending that is not OpenSlide's"),
    named("bioformats.btf", "FIELD I: BigTIFF's own ending"),
    named("imagej.tf8", "FIELD I: another of them"),
)
