"""What readers are asked to do. Every function here runs in a reader process.

Arguments and results are plain values, since they travel between processes. Each slide stays
open in a reader for a while, so that the next call about it need not open it again.
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

from pathviewer.slides import dicom_reader
from pathviewer.slides.colour_table import ColourTable
from pathviewer.slides.companion_files import check_companions
from pathviewer.slides.errors import SlideGone, SlideTooLarge
from pathviewer.slides.file_opener import DicomIdentity
from pathviewer.slides.file_stamp import FileStamp, stamp_file
from pathviewer.slides.geometry import Region
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
"""Slides that a reader holds open at once."""

_SWEEP_SECONDS = 5.0
"""How often a reader looks for slides that nobody has asked for."""

COARSE_SECONDS = 1.5
"""How long a reader looks for samples of a picture that is too large to be read in full."""

_JPEG_QUALITY = 85


@dataclass(frozen=True)
class OpenRequest:
    """Which file a reader is to have open, in which state."""

    path: Path
    """The file that OpenSlide opens."""

    name: str
    """What messages call the slide."""

    stamp: FileStamp
    """The state of the file; another state is another slide."""

    quality: int
    """JPEG quality of tiles that are encoded, 1 to 100."""

    idle_seconds: float
    """A slide that nobody asks for is closed after this long."""


@dataclass(frozen=True)
class RegionPicture:
    """A region as a PNG file."""

    png: bytes
    """RGB."""

    width: int
    """Of the picture, in pixels."""

    height: int
    """Of the picture, in pixels."""


class ReaderShutOut(Exception):  # noqa: N818  a state of the reader, not of the slide
    """This reader may not read a file that others may: its folder came after the reader."""


def _plain_errors(call: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Turn what a file can do to a call into an error of ours."""

    @wraps(call)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return call(*args, **kwargs)
        except MemoryError:
            raise SlideTooLarge(
                "The slide needs more memory than a reader may use; an administrator can raise "
                "PATHVIEWER_READER_MEMORY_MIB."
            ) from None
        except OSError as error:
            raise SlideGone(f"The slide's file cannot be read: {error.strerror}.") from None

    return run


@_plain_errors
def check_ready() -> None:
    """Do nothing; that it returns shows that readers work."""


@_plain_errors
def read_facts(path: Path, name: str) -> SlideFacts:
    """Open a slide once and say what its file states. Raises SlideError."""
    _assert_readable(path)
    check_companions(path, name)
    return read_file_facts(path, name)


@_plain_errors
def examine_slide(path: Path, name: str) -> SlideExamination:
    """Open a slide once, read a tile, and say what it says of itself. Raises SlideError."""
    _assert_readable(path)
    check_companions(path, name)
    return examine(path, name)


@_plain_errors
def dicom_identity(path: Path) -> DicomIdentity:
    """Series and instance of a DICOM file; `None` for what it lacks."""
    return dicom_reader.identity_in(path)


@_plain_errors
def hold_one_export(paths: tuple[Path, ...]) -> bool:
    """Whether the DICOM files of a series may all be of one export."""
    return dicom_reader.hold_one_export(paths)


@_plain_errors
def open_slide(request: OpenRequest) -> tuple[SlideIndex, SlideFacts]:
    """Open a slide; what the server needs to serve it. Raises SlideError."""
    source = _opened.source(request)
    return index_of(source), facts_of(source.slide)


@_plain_errors
def make_tile(request: OpenRequest, level: int, column: int, row: int, parts: Parts) -> Tile:
    """A tile that is not the file's own; `parts` are the finer tiles it is made from.

    Raises SlideError.
    """
    return _opened.source(request).make(level, column, row, parts)


@_plain_errors
def make_coarse_tile(request: OpenRequest, level: int, column: int, row: int) -> Tile:
    """A tile drawn from samples, where there is too much beneath it. Raises SlideError."""
    return _opened.source(request).make_coarse(level, column, row, COARSE_SECONDS)


@_plain_errors
def make_thumbnail(request: OpenRequest, size: int, pixel_aspect: float, parts: Parts) -> bytes:
    """JPEG of the whole slide; `parts` are the tiles of its level. Raises SlideError."""
    source = _opened.source(request)
    return _jpeg(source.slide.correct_colours(thumbnail(source, size, parts, pixel_aspect)))


@_plain_errors
def make_coarse_thumbnail(request: OpenRequest, size: int, pixel_aspect: float) -> bytes:
    """JPEG of the whole slide drawn from samples. Raises SlideError."""
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
    """A level-0 region in at most `most` square pixels, in sRGB or as scanned.

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
    """The same as a PNG file. Raises SlideError."""
    return png_of(read_region(request, region, most, seconds, pixel_aspect, corrected))


@_plain_errors
def colour_table(request: OpenRequest) -> ColourTable | None:
    """What corrects the colours of its tiles; `None` where nothing does. Raises SlideError."""
    colours = _opened.source(request).slide.colours
    return None if colours is None else colours.table


@_plain_errors
def associated_jpeg(request: OpenRequest, name: str) -> bytes:
    """JPEG of a label, macro or other picture of the slide. Raises SlideError."""
    return _jpeg(_opened.source(request).slide.associated_image(name))


class _OpenSlides:
    """The slides that this reader has open; calls come one at a time."""

    def __init__(self) -> None:
        self._sources: OrderedDict[OpenRequest, tuple[TileSource, float]] = OrderedDict()
        self._lock = threading.Lock()
        self._sweeper: threading.Thread | None = None

    def source(self, request: OpenRequest) -> TileSource:
        """The tiles of an open slide, opened if need be. Raises SlideError, ReaderShutOut."""
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
            raise SlideGone(f"The file of {request.name} was changed: open the slide again.")
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
    """Raise ReaderShutOut where this reader may not read a file that others can.

    OpenSlide would take it for a file in an unknown format.
    """
    try:
        path.open("rb").close()
    except PermissionError:
        raise ReaderShutOut from None
    except OSError:
        return  # OpenSlide says it better


def png_of(image: Image.Image) -> RegionPicture:
    """A region as a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return RegionPicture(file.getvalue(), *image.size)


def _jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_JPEG_QUALITY)
    return file.getvalue()
