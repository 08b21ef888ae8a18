from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import PromptError
from models.messages import Box
from models.pictures import PIXEL_LIMIT, as_prompt_image, check_size, open_picture


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("L", (3, 2), 90), (90, 90, 90)),
        (Image.new("1", (3, 2), 1), (255, 255, 255)),
        (Image.new("RGBA", (3, 2), (255, 0, 0, 0)), (255, 255, 255)),  # transparent shows white
        (Image.new("LA", (3, 2), (0, 128)), (127, 127, 127)),
        (Image.new("RGB", (3, 2), "blue").quantize(4), (0, 0, 255)),  # palette
        (Image.fromarray(np.full((2, 3), 0x8123, np.uint16)), (0x81, 0x81, 0x81)),  # 16 bits
    ],
)
def test_every_kind_becomes_rgb(image: Image.Image, expected: tuple[int, int, int]) -> None:
    found = open_picture(png(image))
    assert (found.mode, found.size, found.getpixel((1, 1))) == ("RGB", (3, 2), expected)


def test_a_picture_goes_out_as_it_came() -> None:
    image = Image.effect_noise((40, 30), 50).convert("RGB")
    sent = as_prompt_image(image, Box(0, 0, 40, 30))
    assert open_picture(sent.data).tobytes() == image.tobytes()


def test_damaged_and_foreign_files_are_refused_by_name(tmp_path: Path) -> None:
    whole = png(Image.effect_noise((64, 64), 50))
    for data in (b"", b"no picture", whole[: len(whole) // 2]):
        with pytest.raises(PromptError, match="The picture cannot be read"):
            open_picture(data)
    path = tmp_path / "tile.png"
    path.write_bytes(whole[:100])
    with pytest.raises(PromptError, match=r"tile\.png cannot be read"):
        open_picture(path)


@pytest.mark.parametrize(("side", "words"), [(40_000, "far too large"), (9_000, "9,000 x 9,000")])
def test_a_picture_too_large_is_refused_before_it_is_decoded(side: int, words: str) -> None:
    header = struct.pack(">4s2I5B", b"IHDR", side, side, 8, 2, 0, 0, 0)
    checked = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    with pytest.raises(PromptError, match=words):
        open_picture(b"\x89PNG\r\n\x1a\n" + checked + struct.pack(">I4sI", 0, b"IDAT", 0x35AF061E))
    check_size(PIXEL_LIMIT, 1)
