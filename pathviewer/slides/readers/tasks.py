"""Tasks of readers. Every function here runs in a reader process.

Arguments and results are plain values, because they are sent between processes. A reader holds each
slide open for a while, for further calls.
"""

from __future__ import annotations

import io
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from PIL import Image

from pathviewer.slides import dicom_reader, user_messages
from pathviewer.slides.colour_table import ColourTable
from pathviewer.slides.companion_files import check_companions
from pathviewer.slides.errors import SlideGone, SlideTooLarge
from pathviewer.slides.file_stamp import FileStamp, stamp_file
from pathviewer.slides.geometry import Region
from pathviewer.slides.intake_opener import DicomIdentity
from pathviewer.slides.slide import Slide
from pathviewer.slides.slide_examination import SlideExamination, examine
from pathviewer.slides.slide_facts import SlideFacts, facts_of
from pathviewer.slides.slide_facts import read_facts as read_file_facts
from pathviewer.slides.slide_index import SlideIndex, index_of
from pathviewer.slides.thumbnail import coarse_thumbnail, thumbnail
from pathviewer.slides.tile_cache import Tile, TileCache
from pathviewer.slides.tiles import Parts, TileSource

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_MOST_OPEN = 8
"""Most slides that a reader holds open at once."""

_SWEEP_SECONDS = 5.0
"""Interval at which a reader checks for idle slides."""

COARSE_SECONDS = 1.5
"""Time for sampling a picture that is too large to be read in full."""

_JPEG_QUALITY = 85


@dataclass(frozen=True)
class OpenRequest:
    """File that a reader must open, and its state."""

    path: Path
    """The file that OpenSlide opens."""

    name: str
    """The slide's name in messages."""

    stamp: FileStamp
    """State of the file; another state is another slide."""

    quality: int
    """JPEG quality of tiles that are encoded, 1 to 100."""

    idle_seconds: float
    """Idle time after which a slide is closed."""


@dataclass(frozen=True)
class RegionPicture:
    """A region as a PNG file."""

    png: bytes
    """RGB."""

    width: int
    """Width of the picture, in pixels."""

    height: int
    """Height of the picture, in pixels."""


class ReaderShutOut(Exception):  # noqa: N818  a state of the reader, not of the slide
    """This reader may not read a file that newer readers may: its folder was added later."""


def _plain_errors(call: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Convert the errors that a file can cause to SlideError."""

    @wraps(call)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return call(*args, **kwargs)
        except MemoryError:
            raise SlideTooLarge(user_messages.SLIDE_TOO_LARGE_FOR_READER) from None
        except OSError as error:
            raise SlideGone(user_messages.slide_file_unreadable(error.strerror)) from None

    return run


@_plain_errors
def check_ready() -> None:
    """Do nothing; shows by returning that readers work."""


@_plain_errors
def read_facts(path: Path, name: str) -> SlideFacts:
    """Open a slide once and return the facts stated in its file. Raises SlideError."""
    _assert_readable(path)
    check_companions(path, name)
    return read_file_facts(path, name)


@_plain_errors
def examine_slide(path: Path, name: str) -> SlideExamination:
    """Open a slide once, read a tile, and return an examination. Raises SlideError."""
    _assert_readable(path)
    check_companions(path, name)
    return examine(path, name)


@_plain_errors
def dicom_identity(path: Path) -> DicomIdentity:
    """Return series and instance of a DICOM file; `None` for missing ones."""
    return dicom_reader.identity_in(path)


@_plain_errors
def hold_one_export(paths: tuple[Path, ...]) -> bool:
    """Return whether the DICOM files of a series may all be of one export."""
    return dicom_reader.hold_one_export(paths)


@_plain_errors
def open_slide(request: OpenRequest) -> tuple[SlideIndex, SlideFacts]:
    """Open a slide and return what the server needs to serve it. Raises SlideError."""
    source = _opened.source(request)
    return index_of(source), facts_of(source.slide)


@_plain_errors
def make_tile(request: OpenRequest, level: int, column: int, row: int, parts: Parts) -> Tile:
    """Return a generated tile; `parts` are the finer tiles from which it is made.

    Raises SlideError.
    """
    return _opened.source(request).make(level, column, row, parts)


@_plain_errors
def make_coarse_tile(request: OpenRequest, level: int, column: int, row: int) -> Tile:
    """Return a sampled tile, for areas that are too large to be read. Raises SlideError."""
    return _opened.source(request).make_coarse(level, column, row, COARSE_SECONDS)


@_plain_errors
def make_thumbnail(request: OpenRequest, size: int, pixel_aspect: float, parts: Parts) -> bytes:
    """Return a JPEG of the whole slide; `parts` are the tiles of its level. Raises SlideError."""
    source = _opened.source(request)
    return _jpeg(source.slide.correct_colours(thumbnail(source, size, parts, pixel_aspect)))


@_plain_errors
def make_coarse_thumbnail(request: OpenRequest, size: int, pixel_aspect: float) -> bytes:
    """Return a sampled JPEG of the whole slide. Raises SlideError."""
    source = _opened.source(request)
    picture = coarse_thumbnail(source, size, COARSE_SECONDS, pixel_aspect)
    return _jpeg(source.slide.correct_colours(picture))


@_plain_errors
def read_region(
    request: OpenRequest,
    region: Region,
    most: int,
    seconds: float,
    pixel_aspect: float,
    corrected: bool,
) -> Image.Image:
    """Return a level-0 region in at most `most` square pixels, in sRGB or as scanned.

    Raises SlideError.
    """
    slide = _opened.source(request).slide
    return slide.read_region(region, most, seconds, pixel_aspect, corrected=corrected)


@_plain_errors
def region_png(
    request: OpenRequest,
    region: Region,
    most: int,
    seconds: float,
    pixel_aspect: float,
    corrected: bool,
) -> RegionPicture:
    """Return a region as a PNG file. Raises SlideError."""
    return png_of(read_region(request, region, most, seconds, pixel_aspect, corrected))


@_plain_errors
def colour_table(request: OpenRequest) -> ColourTable | None:
    """Return the colour correction of its tiles; `None` if there is none. Raises SlideError."""
    colours = _opened.source(request).slide.colours
    return None if colours is None else colours.table


@_plain_errors
def associated_jpeg(request: OpenRequest, name: str) -> bytes:
    """Return a JPEG of a label, macro or other image of the slide. Raises SlideError."""
    return _jpeg(_opened.source(request).slide.associated_image(name))


class _OpenSlides:
    """Slides that this reader has open; calls come one at a time."""

    def __init__(self) -> None:
        self._sources: OrderedDict[OpenRequest, tuple[TileSource, float]] = OrderedDict()
        self._lock = threading.Lock()
        self._sweeper: threading.Thread | None = None

    def source(self, request: OpenRequest) -> TileSource:
        """Return the tiles of a slide, opened if necessary. Raises SlideError, ReaderShutOut."""
        with self._lock:
            entry = self._sources.get(request)
        source = self._open(request) if entry is None else entry[0]
        with self._lock:
            self._sources[request] = source, time.monotonic()
            self._sources.move_to_end(request)
            while len(self._sources) > _MOST_OPEN:
                self._sources.popitem(last=False)
        if self._sweeper is None:
            self._sweeper = threading.Thread(target=self._sweep, daemon=True)
            self._sweeper.start()
        return source

    def _open(self, request: OpenRequest) -> TileSource:
        _assert_readable(request.path)
        if stamp_file(request.path) != request.stamp:
            raise SlideGone(user_messages.slide_file_changed(request.name))
        check_companions(request.path, request.name)
        return TileSource(Slide(request.path, request.name), request.quality, TileCache(1))

    def _sweep(self) -> None:
        while True:
            time.sleep(_SWEEP_SECONDS)
            now = time.monotonic()
            with self._lock:
                for request, (_, used) in list(self._sources.items()):
                    if now - used > request.idle_seconds:
                        del self._sources[request]


_opened = _OpenSlides()


def _assert_readable(path: Path) -> None:
    """Raise ReaderShutOut if this reader may not read a file that others may.

    OpenSlide would report it as a file in an unknown format.
    """
    try:
        path.open("rb").close()
    except PermissionError:
        raise ReaderShutOut from None
    except OSError:
        return  # OpenSlide has a better message


def png_of(image: Image.Image) -> RegionPicture:
    """Encode a region as a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return RegionPicture(file.getvalue(), *image.size)


def _jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_JPEG_QUALITY)
    return file.getvalue()
