"""Tiled TIFF files whose samples are not 8 bits of red, green and blue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.corpus import codecs, tiff
from tests.corpus.odd_slide import OddSlide, Refused, Served, Writer, picture
from tests.corpus.tiff import Layout, write_levels
from tests.raw_tiff import SHORT
from tests.slide_files import Pixels

_EXTRA_SAMPLES, _COLOUR_MAP = 338, 320
_ASSOCIATED, _UNASSOCIATED = 1, 2

Samples = NDArray[Any]
Transform = Callable[[Pixels], tuple[Samples, Pixels]]
"""From RGB to (what is stored, what is to be seen)."""


def written(transform: Transform, layout: Layout) -> Writer:
    """A pyramid of the file's own picture whose samples are transformed."""

    def write(path: Path) -> Sequence[Pixels]:
        pairs = [transform(level) for level in picture(path, 4)]
        write_levels(path, [stored for stored, _ in pairs], layout)
        return [seen for _, seen in pairs]

    return write


def grey(pixels: Pixels) -> Pixels:
    """(height, width) of the green samples, in which H&E has its detail."""
    return np.ascontiguousarray(pixels[..., 1])


def seen_grey(samples: Pixels) -> Pixels:
    """Grey as RGB."""
    return np.repeat(samples[..., None], 3, axis=2)


def _grey_8(pixels: Pixels) -> tuple[Samples, Pixels]:
    return grey(pixels), seen_grey(grey(pixels))


def _inverted(pixels: Pixels) -> tuple[Samples, Pixels]:
    return 255 - grey(pixels), seen_grey(grey(pixels))


def _one_bit(pixels: Pixels) -> tuple[Samples, Pixels]:
    dark = grey(pixels) > 128
    return dark, seen_grey(np.where(dark, 255, 0).astype(np.uint8))


def _palette(pixels: Pixels) -> tuple[Samples, Pixels]:
    levels = np.arange(256, dtype=np.uint8)
    shades = np.stack([levels, 255 - levels, levels // 2], axis=1)
    return grey(pixels), shades[grey(pixels)]


def _grey_16(pixels: Pixels) -> tuple[Samples, Pixels]:
    return grey(pixels).astype(np.uint16) * 257, seen_grey(grey(pixels))


def _rgb_16(pixels: Pixels) -> tuple[Samples, Pixels]:
    return pixels.astype(np.uint16) * 257, pixels


def _grey_12(pixels: Pixels) -> tuple[Samples, Pixels]:
    return grey(pixels).astype(np.uint16) * 16 + 8, seen_grey(grey(pixels))


def _float(pixels: Pixels) -> tuple[Samples, Pixels]:
    return grey(pixels).astype(np.float32) / 255, seen_grey(grey(pixels))


def _with_alpha(pixels: Pixels, alpha: Pixels) -> Pixels:
    return np.dstack([pixels, alpha])


def _alpha_of(pixels: Pixels) -> Pixels:
    """Alpha that falls from left to right, in whole steps."""
    height, width = pixels.shape[:2]
    ramp = np.linspace(255, 60, width).astype(np.uint8)
    return np.broadcast_to(ramp, (height, width))


def _unassociated(pixels: Pixels) -> tuple[Samples, Pixels]:
    alpha = _alpha_of(pixels)
    part = alpha[..., None].astype(np.float32) / 255
    seen = np.rint(pixels * part + 255 * (1 - part)).astype(np.uint8)
    return _with_alpha(pixels, alpha), seen


def _associated(pixels: Pixels) -> tuple[Samples, Pixels]:
    alpha = _alpha_of(pixels)
    _, seen = _unassociated(pixels)
    return _with_alpha(seen - (255 - alpha[..., None]), alpha), seen


def _mistaken_alpha(pixels: Pixels) -> tuple[Samples, Pixels]:
    """Colours larger than their alpha, as where the fourth sample is none."""
    alpha = _alpha_of(pixels)
    total = pixels.astype(np.uint16) + (255 - alpha[..., None])
    return _with_alpha(pixels, alpha), np.minimum(total, 255).astype(np.uint8)


def _cmyk(pixels: Pixels) -> tuple[Samples, Pixels]:
    return _with_alpha(255 - pixels, np.zeros(pixels.shape[:2], np.uint8)), pixels


def _ycbcr(pixels: Pixels) -> tuple[Samples, Pixels]:
    return np.asarray(Image.fromarray(pixels).convert("YCbCr")), pixels


def _rgb(pixels: Pixels) -> tuple[Samples, Pixels]:
    return pixels, pixels


def _five_channels(pixels: Pixels) -> tuple[Samples, Pixels]:
    return np.dstack([pixels, pixels[..., :2]]), pixels


def _pack_bits_of_rows(tile: Samples) -> bytes:
    return np.packbits(tile, axis=1).tobytes()


def _pack_12(tile: Samples) -> bytes:
    """Two samples in three bytes, most significant bits first."""
    pairs = tile.astype(np.uint32).reshape(-1, 2)
    both = pairs[:, 0] << 12 | pairs[:, 1]
    return np.stack([both >> 16, both >> 8 & 255, both & 255], axis=1).astype(np.uint8).tobytes()


_ONE_BIT = codecs.Codec(1, _pack_bits_of_rows)
_TWELVE_BITS = codecs.Codec(1, _pack_12)


def _extra(kind: int) -> Layout:
    return Layout(tags={_EXTRA_SAMPLES: (SHORT, [kind])})


def _grey_jpeg(tile: Pixels) -> bytes:
    from tests import slide_files

    return slide_files.grey_jpeg(tile)


_SHADES = [257 * shade for channel in (range(256), range(255, -1, -1)) for shade in channel] + [
    257 * (shade // 2) for shade in range(256)
]

SAMPLES = (
    OddSlide("grey.tif", "one sample a pixel", written(_grey_8, Layout(photometric=1))),
    OddSlide(
        "grey-jpeg.tif",
        "JPEG of one component",
        written(
            _grey_8,
            Layout(codecs.Codec(7, _grey_jpeg), tiff.BLACK_IS_ZERO, (64, 64)),
        ),
    ),
    OddSlide(
        "white-is-zero.tif",
        "grey as fax machines count it",
        written(_inverted, Layout(photometric=0)),
    ),
    OddSlide(
        "one-bit.tif",
        "a mask: eight pixels a byte",
        written(_one_bit, Layout(_ONE_BIT, tiff.BLACK_IS_ZERO, bits=1)),
        Served(tolerance=14),
    ),
    OddSlide(
        "palette.tif",
        "an annotation mask in colours of a table",
        written(_palette, Layout(photometric=tiff.PALETTE, tags={_COLOUR_MAP: (SHORT, _SHADES)})),
    ),
    OddSlide(
        "planar.tif", "bioformats writes each colour apart", written(_rgb, Layout(planar=True))
    ),
    OddSlide(
        "cmyk.tif",
        "a picture that was made for print",
        written(_cmyk, Layout(photometric=tiff.CMYK)),
    ),
    OddSlide(
        "ycbcr.tif",
        "YCbCr without JPEG",
        written(_ycbcr, Layout(photometric=tiff.YCBCR, tags={530: (SHORT, [1, 1])})),
    ),
    OddSlide(
        "rgba-unassociated.tif",
        "QuPath's and GIMP's transparency",
        written(_unassociated, _extra(_UNASSOCIATED)),
    ),
    OddSlide(
        "rgba-associated.tif",
        "libvips's premultiplied transparency",
        written(_associated, _extra(_ASSOCIATED)),
    ),
)

OVERFLOW = (
    OddSlide(
        "rgba-unsaid.tif",
        "FIELD E: tshino/compare#85, four samples and no word of the fourth",
        written(_mistaken_alpha, Layout()),
    ),
    OddSlide(
        "rgba-unspecified.tif",
        "FIELD E: bioformats#4059, a fourth sample without a meaning",
        written(_mistaken_alpha, _extra(0)),
    ),
)

DEEP = (
    OddSlide(
        "grey-16.tif",
        "FIELD D2: qupath#1223",
        written(_grey_16, Layout(photometric=1)),
        Served(words="16-bit grey"),
    ),
    OddSlide(
        "rgb-16.tif",
        "FIELD D2: 16 bits a colour",
        written(_rgb_16, Layout()),
        Served(words="16-bit colour"),
    ),
    OddSlide(
        "grey-12.tif",
        "FIELD D: 12 bits packed, as bioformats writes cameras' pictures",
        written(_grey_12, Layout(_TWELVE_BITS, tiff.BLACK_IS_ZERO, bits=12)),
        Served(words="12-bit grey"),
    ),
    OddSlide(
        "float.tif",
        "FIELD D: a heat map in floats",
        written(_float, Layout(photometric=tiff.BLACK_IS_ZERO)),
        Refused(["32-bit floating-point", "vips scale"]),
    ),
    OddSlide(
        "five-channels.tif",
        "FIELD D2: ASAP#143, spectral channels",
        written(_five_channels, Layout(photometric=tiff.BLACK_IS_ZERO)),
        Refused(["multi-channel", "5 channels"]),
    ),
)
