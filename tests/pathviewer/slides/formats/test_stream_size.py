"""The size that a compressed tile states, whatever the codec."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathviewer.slides.formats.stream_size import stream_size

SIZES = [(1, 1), (64, 64), (300, 217), (256, 512), (513, 17), (640, 360), (8, 2000)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "encode",
    [
        lambda pixels: imagecodecs.webp_encode(pixels, lossless=True),
        lambda pixels: imagecodecs.webp_encode(pixels, level=50),
        lambda pixels: imagecodecs.jpeg_encode(pixels),
        lambda pixels: imagecodecs.jpeg2k_encode(pixels, codecformat="j2k"),
        lambda pixels: imagecodecs.jpeg2k_encode(pixels, codecformat="jp2"),
        lambda pixels: imagecodecs.jpegxl_encode(pixels, usecontainer=True),
        lambda pixels: imagecodecs.jpegxl_encode(pixels, usecontainer=False),
        lambda pixels: imagecodecs.jpegls_encode(pixels // 64),
        lambda pixels: imagecodecs.jpegls_encode(pixels[..., 0] // 64),
        lambda pixels: imagecodecs.jpegxr_encode(pixels),
        lambda pixels: imagecodecs.lerc_encode(pixels),
    ],
    ids=[
        "webp-lossless", "webp", "jpeg", "j2k", "jp2", "jxl-box", "jxl", "jpeg-ls", "jpeg-ls-grey",
        "jxr", "lerc",
    ],
)  # fmt: skip
def test_it_is_that_of_the_picture(encode: object, size: tuple[int, int]) -> None:
    assert callable(encode)
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    assert stream_size(bytes(encode(pixels))) == size


def test_a_side_that_jpeg_ls_leaves_open_is_vast() -> None:
    stream = bytearray(imagecodecs.jpegls_encode(np.zeros((64, 64), np.uint8)))
    at = stream.index(b"\xff\xf7") + 5
    stream[at : at + 2] = b"\0\0"
    size = stream_size(bytes(stream))
    assert size is not None and size[1] > 2**20


def test_all_values_of_a_pixel_count_in_lerc() -> None:
    pixels = np.zeros((64, 64, 400), np.uint8)
    assert stream_size(bytes(imagecodecs.lerc_encode(pixels))) == (64, 6400)


@given(
    st.sampled_from(
        [b"II\xbc\x01\x08\0\0\0\x02\0", b"Lerc2 \x04\0\0\0", b"CntZImage ",
         b"RIFF\0\0\0\0WEBPVP8X", b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\xff\x0a",
         b"\0\0\0\x0cjP  ", b"\0\0\0\x0cJXL ", b""]
    ),
    st.binary(max_size=60),
)  # fmt: skip
def test_it_never_fails(head: bytes, rest: bytes) -> None:
    size = stream_size(head + rest)
    assert size is None or len(size) == 2
