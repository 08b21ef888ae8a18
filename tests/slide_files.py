"""Makers of small, odd slides: each shows one thing that real files do."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import simplejpeg
import tifffile
from numpy.typing import NDArray
from PIL import Image
from tifffile import DATATYPE

from pathviewer.slides.encoded_tiff import (
    APERIO_JPEG2000,
    JPEG,
    RGB,
    YCBCR,
    EncodedPage,
    write_encoded_tiff,
)

Pixels = NDArray[np.uint8]
Encode = Callable[[Pixels], bytes]

APERIO = "Aperio Image Library v11.2.1 \r\n{width}x{height} [0,0 {width}x{height}] ({tile}x{tile}) "


def tissue(width: int, height: int, seed: int = 1) -> Pixels:
    """Smooth pink and violet shapes on white as (height, width, 3) RGB."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    amount = np.zeros((2, height, width), np.float32)
    for stain in amount:
        for _ in range(6):
            kx, ky, phase = random.uniform((-0.09, -0.09, 0), (0.09, 0.09, 6))
            stain += np.cos(kx * x + ky * y + phase)
    stained = np.clip(amount / 3, 0, 1)[..., None]
    colours = np.array([[0.65, 0.70, 0.29], [0.10, 0.90, 0.30]], np.float32)
    density = stained[0] * colours[0] + stained[1] * colours[1]
    pixels: Pixels = (255 * np.exp(-density)).astype(np.uint8)
    return pixels


def pyramid(pixels: Pixels, *factors: int) -> list[Pixels]:
    """The image, and the image reduced by each factor."""
    image = Image.fromarray(pixels)
    return [pixels, *(np.asarray(image.reduce(factor)) for factor in factors)]


def tiles_of(pixels: Pixels, tile: int, tile_height: int = 0) -> Iterator[Pixels]:
    """The tiles row by row, those at the edges filled up with their last column and row.

    `pixels` may have any number of samples of any type; tiles are square if no height is given.
    """
    height, width = pixels.shape[:2]
    high = tile_height or tile
    margins = [(0, -height % high), (0, -width % tile), (0, 0)][: pixels.ndim]
    filled = np.pad(pixels, margins, "edge")
    for top in range(0, height, high):
        for left in range(0, width, tile):
            yield np.ascontiguousarray(filled[top : top + high, left : left + tile])


def ycbcr_jpeg(tile: Pixels, subsampling: str = "420") -> bytes:
    """JPEG as cameras write it, the colours at half resolution, with a JFIF marker."""
    return bytes(simplejpeg.encode_jpeg(tile, 90, "RGB", subsampling))


def grey_jpeg(tile: Pixels) -> bytes:
    """JPEG of one component, of a tile without an axis of samples."""
    return bytes(simplejpeg.encode_jpeg(tile[..., None], 90, "GRAY"))


def rgb_jpeg(tile: Pixels) -> bytes:
    """JPEG whose components are RGB and which says so nowhere, as Aperio's do."""
    buffer = io.BytesIO()
    Image.fromarray(tile).save(buffer, "JPEG", quality=90, keep_rgb=True)
    return without_markers(buffer.getvalue(), (0xE0, 0xEE))


def jpeg2000(tile: Pixels) -> bytes:
    """A bare JPEG 2000 codestream."""
    buffer = io.BytesIO()
    Image.fromarray(tile).save(buffer, "JPEG2000", no_jp2=True)
    return buffer.getvalue()


def without_markers(jpeg: bytes, markers: tuple[int, ...]) -> bytes:
    """The stream less the segments of these kinds before its first scan."""
    kept, position = jpeg[:2], 2
    while jpeg[position + 1] != 0xDA:
        end = position + 2 + int.from_bytes(jpeg[position + 2 : position + 4])
        if jpeg[position + 1] not in markers:
            kept += jpeg[position:end]
        position = end
    return kept + jpeg[position:]


def tables_apart(jpeg: bytes) -> tuple[bytes, bytes]:
    """The stream's tables as a stream of their own (JPEGTables of TIFF), and the rest."""
    rest = without_markers(jpeg, (0xDB, 0xC4))
    others = tuple(marker for marker in range(256) if marker not in (0xDB, 0xC4, 0xDA))
    only_tables = without_markers(jpeg, others)
    scan = only_tables.index(b"\xff\xda")
    return only_tables[:scan] + b"\xff\xd9", rest


def write_encoded(
    path: Path,
    levels: list[Pixels],
    encode: Encode,
    *,
    tile: int = 64,
    compression: int = JPEG,
    photometric: int = YCBCR,
    description: str = "",
    tables: bytes = b"",
    icc_profile: bytes | None = None,
) -> Path:
    """A pyramid whose tiles `encode` encodes. Returns `path`."""
    pages = [
        EncodedPage(pixels.shape[1], pixels.shape[0], tile, map(encode, tiles_of(pixels, tile)))
        for pixels in levels
    ]
    write_encoded_tiff(
        path,
        pages,
        compression=compression,
        photometric=photometric,
        description=description,
        jpeg_tables=tables,
        icc_profile=icc_profile,
    )
    return path


def write_ycbcr(path: Path, width: int = 300, height: int = 217) -> Path:
    """A generic pyramid of YCbCr JPEG tiles."""
    return write_encoded(path, pyramid(tissue(width, height), 4), ycbcr_jpeg)


def write_plain(path: Path, compression: str = "none", width: int = 300, height: int = 217) -> Path:
    """A generic pyramid that is not compressed, or `deflate`."""
    with tifffile.TiffWriter(path) as tiff:
        for index, pixels in enumerate(pyramid(tissue(width, height), 4)):
            tiff.write(
                pixels,
                tile=(64, 64),
                photometric="rgb",
                compression=compression,
                subfiletype=index,
                metadata=None,
            )
    return path


def write_rgba(path: Path, pixels: Pixels, kind: str) -> Path:
    """A level of (height, width, 4) pixels; `kind` is what the file says of its alpha."""
    tifffile.imwrite(
        path, pixels, tile=(64, 64), photometric="rgb", extrasamples=[kind], metadata=None
    )
    return path


def write_scaled(
    path: Path, per_centimetre: tuple[float, float], width: int = 300, height: int = 217
) -> Path:
    """A slide of one level that states so many pixels in a centimetre, along each axis."""
    tifffile.imwrite(
        path,
        tissue(width, height),
        tile=(64, 64),
        photometric="rgb",
        metadata=None,
        resolution=per_centimetre,
        resolutionunit=3,
    )
    return path


def write_aperio_rgb(path: Path, width: int = 300, height: int = 217) -> Path:
    """An Aperio slide of RGB JPEG tiles with shared tables: without APP14 its colours go wrong."""
    pixels = tissue(width, height)
    tables, _ = tables_apart(rgb_jpeg(next(tiles_of(pixels, 64))))
    return write_encoded(
        path,
        pyramid(pixels, 4),
        lambda part: tables_apart(rgb_jpeg(part))[1],
        photometric=RGB,
        description=aperio_description(width, height),
        tables=tables,
    )


def write_aperio_jpeg2000(path: Path, width: int = 300, height: int = 217) -> Path:
    """An Aperio slide of JPEG 2000 tiles."""
    return write_encoded(
        path,
        pyramid(tissue(width, height), 4),
        jpeg2000,
        compression=APERIO_JPEG2000,
        photometric=RGB,
        description=aperio_description(width, height),
    )


def aperio_description(width: int, height: int, tile: int = 64) -> str:
    """The description by which OpenSlide knows Aperio's files."""
    head = APERIO.format(width=width, height=height, tile=tile)
    return head + "JPEG/RGB Q=90|AppMag = 20|MPP = 0.5000"


def tile_place(path: Path, page: int, index: int) -> tuple[int, int]:
    """(first byte, number of bytes) of a tile in the file."""
    with tifffile.TiffFile(path) as tiff:
        found = tiff.pages[page]
        return found.dataoffsets[index], found.databytecounts[index]


def damage_tile(path: Path, page: int, index: int) -> None:
    """Overwrite a tile's bytes with ones that no decoder takes."""
    offset, count = tile_place(path, page, index)
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\x00" * count)


def resize_tile(path: Path, page: int, index: int, width: int, height: int) -> None:
    """Make the header of a tile's JPEG say another size than the index of the file."""
    offset, count = tile_place(path, page, index)
    with path.open("r+b") as file:
        file.seek(offset)
        frame = file.read(count).index(b"\xff\xc0\x00\x11\x08")
        file.seek(offset + frame + 5)
        file.write(height.to_bytes(2) + width.to_bytes(2))


def replace_tile(path: Path, page: int, index: int, jpeg: bytes) -> None:
    """Put a shorter stream in a tile's place."""
    offset, count = tile_place(path, page, index)
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(jpeg.ljust(count, b"\x00"))


def empty_tile(path: Path, page: int, index: int) -> None:
    """Set a tile's byte count, and its offset, to zero in the file's index."""
    index_tile(path, page, index, 0, 0)


def pages_of(tiff: tifffile.TiffFile) -> list[tifffile.TiffPage]:
    """The pages of a file, each with tags of its own."""
    pages = [page for page in tiff.pages if isinstance(page, tifffile.TiffPage)]
    assert len(pages) == len(tiff.pages)
    return pages


def index_tile(path: Path, page: int, index: int, offset: int, count: int) -> None:
    """Let the file's index say that a tile has `count` bytes from `offset` on."""
    with tifffile.TiffFile(path) as tiff:
        tags = pages_of(tiff)[page].tags
        places = [(tags[code].valueoffset, DATATYPE(tags[code].dtype).name) for code in (324, 325)]
    with path.open("r+b") as file:
        for (start, kind), value in zip(places, (offset, count), strict=True):
            width = {"SHORT": 2, "LONG": 4, "LONG8": 8}[kind]
            file.seek(start + index * width)
            file.write(value.to_bytes(width, "little"))
