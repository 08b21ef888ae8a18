"""The slide's levels among the pages of a TIFF file, and the format of their pixels."""

from __future__ import annotations

import logging
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import tifffile

from pathviewer.slides import user_messages
from pathviewer.slides.errors import DAMAGED_BYTES
from pathviewer.slides.formats.base import NAMELESS_IMAGE, UnusedPage
from pathviewer.slides.formats.channel_names import akoya_channels, channel_numbers, imagej_counts
from pathviewer.slides.formats.ome_xml import OmePicture, ome_picture

MOST_PAGES = 1000
"""Most pages read of a file; a slide has about ten, one with focal planes a few hundred."""

UNREADABLE_TIFF = (tifffile.TiffFileError, *DAMAGED_BYTES)
"""Errors that tifffile raises on files that are damaged or that it does not read."""

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, YCBCR = 0, 1, 2, 3, 6
"""TIFF's photometric interpretation numbers in slides."""

_PLAIN_COMPRESSIONS = (1, 5, 7, 8, 32773, 32946, 33003, 33005)
"""None, LZW, JPEG, deflate, PackBits, and JPEG 2000 as Aperio writes it."""

_DECODED_BY_OPENSLIDE = (7, 33003, 33005)
"""Compressions that OpenSlide decodes itself: JPEG and JPEG 2000; libtiff decodes all others."""

_GREYS = (WHITE_IS_ZERO, BLACK_IS_ZERO)
# its messages contain file names
logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)

_ALPHA = (1, 2)
"""TIFF's numbers of premultiplied and straight alpha among the extra samples."""

_ORIENTATION = 274
_MAX_SAMPLE_VALUE = 281
_KINDS = ("label", "macro", "thumbnail", "overview")


@dataclass(frozen=True)
class TiffPicture:
    """The slide in a TIFF file."""

    levels: tuple[tifffile.TiffPage, ...]
    """From the finest on; may include pages that are not levels."""

    associated_pages: dict[str, tifffile.TiffPage]
    """The file's other images by name, such as `label`."""

    count: int
    """Images of the finest level's size, such as channels or focal planes; the first is shown."""

    ome: OmePicture | None
    """Facts from the file's OME-XML, `None` if it has none."""

    description: str
    """ImageDescription of the finest level's page."""

    page_channels: tuple[str, ...] = ()
    """Names of the channels of grey pages, if the file states any besides OME-XML."""

    @property
    def base(self) -> tifffile.TiffPage:
        """The finest level."""
        return self.levels[0]

    @property
    def is_grey(self) -> bool:
        """Whether a pixel has one value, besides transparency."""
        return self.base.photometric in _GREYS

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of channels that are not colours: several, or one of fluorescence.

        Empty if there are none.
        """
        base, ome = self.base, self.ome
        if ome is not None and (ome.is_fluorescence or ome.samples > base.samplesperpixel):
            return ome.channels or channel_numbers(ome.samples)
        if self.page_channels:
            return self.page_channels
        colours = 1 if self.is_grey or base.photometric == PALETTE else 3
        # a second grey value is transparency only where the file says so
        has_alpha = not self.is_grey or (*base.extrasamples, 0)[0] in _ALPHA
        if base.samplesperpixel > colours + has_alpha:
            return channel_numbers(base.samplesperpixel)
        return ()

    @property
    def is_turned(self) -> bool:
        """Whether libtiff would flip each tile of a level separately; see `_is_turned`."""
        return any(_is_turned(page) for page in self.levels)

    @property
    def bits(self) -> int:
        """Used bits of a value, as stated by the file; never inferred from the pixels.

        These are the stored bits, unless OME's SignificantBits or TIFF's MaxSampleValue state
        fewer.
        """
        stored = self.base.bitspersample
        if not isinstance(stored, int):
            return 0
        most = self.base.tags.valueof(_MAX_SAMPLE_VALUE)
        highest = max(most) if isinstance(most, tuple) and most else most
        stated = [
            self.ome.significant_bits if self.ome is not None else None,
            highest.bit_length() if isinstance(highest, int) else None,
        ]
        return min([stored, *(bits for bits in stated if bits and 8 <= bits <= stored)])

    @property
    def note(self) -> str | None:
        """How the slide differs from 8-bit colour, `None` if it does not."""
        kind = user_messages.pixel_kind(self.bits, self.is_grey)
        parts = [] if kind == "8-bit colour" else [kind]
        if self.bits > 8:
            parts.append(user_messages.SHOWN_IN_8_BITS)
        if self.count > 1:
            parts.append(user_messages.channel_or_focal_plane_shown(self.count))
        return ", ".join(parts) or None


def read_picture(path: Path) -> TiffPicture | None:
    """Return the slide in a TIFF file, `None` if it cannot be read."""
    try:
        with tifffile.TiffFile(path) as tiff:
            return picture_in(tiff)
    except UNREADABLE_TIFF:
        return None


def is_plain(path: Path) -> bool:
    """Return whether a TIFF file begins with an ordinary page: 8-bit colours, no SubIFDs, no
    OME-XML.

    No page may be turned, and no later one may have the size of the first, as focal planes do. Such
    a file needs no further checks. False also if it cannot be read.
    """
    try:
        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages.first
            others = [other for other in _chain(tiff.pages) if other.offset != page.offset]
            return bool(
                page.bitspersample == 8
                and page.compression in _PLAIN_COMPRESSIONS
                and page.sampleformat == 1
                and page.samplesperpixel == 3
                and page.photometric in (RGB, YCBCR)
                and not page.subifds
                and "<OME" not in page.description[:4096]
                and not any(_is_turned(each) for each in (page, *others))
                and not any(_size(other) == _size(page) for other in others)
            )
    except UNREADABLE_TIFF:
        return False


def picture_in(tiff: tifffile.TiffFile) -> TiffPicture | None:
    """Return the slide in an open file, `None` if it has no image. Raises UNREADABLE_TIFF."""
    pages = list(_chain(tiff.pages))
    # only OpenSlide knows the layout of these formats
    if not pages or tiff.is_ndpi or tiff.is_scn or tiff.is_bif or tiff.is_philips:
        return None
    base = max(pages, key=_area)  # the first one of equals
    if not _is_whole(tiff, pages):
        return None
    same = [page for page in pages if _size(page) == _size(base) and _alike(page, base)]
    beneath = [] if base.pages is None else list(_chain(base.pages))
    reduced = beneath or [page for page in pages if page is not base and _may_be_level(page, base)]
    reduced = [page for page in reduced if _alike(page, base) and _area(page) < _area(base)]
    reduced.sort(key=_area, reverse=True)
    level_offsets = {page.offset for page in (*same, *reduced)}
    other_pages = [page for page in pages if page.offset not in level_offsets]
    ome = ome_picture(pages[0].description, *_size(base))
    imagej_channels, images = imagej_counts(pages[0].description)
    count = max(len(same), images, 1 if ome is None else ome.planes)
    channels: tuple[str, ...] = ()
    if base.photometric in _GREYS:
        channels = akoya_channels(page.description for page in same)
        if imagej_channels > 1:
            channels = channels or channel_numbers(imagej_channels)
    named = _pages_by_name(other_pages)
    return TiffPicture((base, *reduced), named, count, ome, base.description, channels)


def pages_beyond(path: Path, used: Mapping[tuple[int, int], int]) -> list[UnusedPage] | None:
    """Return the pages of a file besides those in use, which are counted by (width, height).

    `None` if the file cannot be read.
    """
    left = Counter(used)
    unused = []
    try:
        with tifffile.TiffFile(path) as tiff:
            for page in _chain(tiff.pages):
                if left[_size(page)] > 0:
                    left[_size(page)] -= 1
                else:
                    unused.append(unused_page(page, user_messages.PAGE_NOT_READ))
    except UNREADABLE_TIFF:
        return None
    return unused


def unused_page(page: tifffile.TiffPage, reason: str) -> UnusedPage:
    """Return a page as one that is not used for this reason."""
    return UnusedPage(*_size(page), kind_in(page.description), reason)


def kind_in(description: str) -> str | None:
    """Return the kind named in a page's description, such as `label`; `None` if there is none."""
    words = description[:1000].lower().split()
    return next((kind for kind in _KINDS if kind in words), None)


def _chain(pages: tifffile.TiffPages) -> Iterator[tifffile.TiffPage]:
    """Yield pages of one chain that contain images, each once."""
    visited: set[int] = set()
    for page in islice(pages, MOST_PAGES):
        if isinstance(page, tifffile.TiffPage) and page.offset not in visited and _area(page) > 0:
            visited.add(page.offset)
            yield page


def _is_whole(tiff: tifffile.TiffFile, pages: list[tifffile.TiffPage]) -> bool:
    """Return whether the chain of pages ends, and no page lies beyond the end of the file."""
    file, layout = tiff.filehandle, tiff.tiff
    if any(
        offset + count > file.size
        for page in pages
        for offset, count in zip(page.dataoffsets[-2:], page.databytecounts[-2:], strict=False)
    ):
        return False
    if len(pages) >= MOST_PAGES:
        return True
    file.seek(pages[-1].offset)
    (tags,) = struct.unpack(layout.tagnoformat, file.read(layout.tagnosize))
    file.seek(pages[-1].offset + layout.tagnosize + tags * layout.tagsize)
    (following,) = struct.unpack(layout.offsetformat, file.read(layout.offsetsize))
    return following == 0 or following in {page.offset for page in pages}


def _is_turned(page: tifffile.TiffPage) -> bool:
    """Return whether a page's orientation tag flips or rotates it.

    libtiff applies the tag within each tile, not to the whole image, which scrambles it.
    """
    return page.compression not in _DECODED_BY_OPENSLIDE and page.tags.valueof(_ORIENTATION, 1) != 1


def _pages_by_name(pages: list[tifffile.TiffPage]) -> dict[str, tifffile.TiffPage]:
    by_name: dict[str, tifffile.TiffPage] = {}
    for page in pages:
        kind = kind_in(page.description)
        name = (
            kind
            if kind is not None and kind not in by_name
            else f"{NAMELESS_IMAGE}{len(by_name) + 1}"
        )
        by_name[name] = page
    return by_name


def _area(page: tifffile.TiffPage) -> int:
    return int(page.imagewidth) * int(page.imagelength)


def _size(page: tifffile.TiffPage) -> tuple[int, int]:
    return int(page.imagewidth), int(page.imagelength)


def _alike(page: tifffile.TiffPage, base: tifffile.TiffPage) -> bool:
    """Return whether two pages have the same kind of pixels."""
    return all(
        getattr(page, name) == getattr(base, name)
        for name in ("samplesperpixel", "bitspersample", "sampleformat", "imagedepth")
    ) and (page.photometric == base.photometric or {page.photometric, base.photometric} == {2, 6})


def _may_be_level(page: tifffile.TiffPage, base: tifffile.TiffPage) -> bool:
    """Return whether a page has the base's shape, except for rounding or whole tiles."""
    if kind_in(page.description) is not None:
        return False
    (width, height), (whole, high) = _size(page), _size(base)
    slack = max(page.tilewidth, page.tilelength) if page.is_tiled else 1
    return (
        width <= whole
        and height <= high
        and (abs(width * high - height * whole) <= slack * max(whole, high))
    )
