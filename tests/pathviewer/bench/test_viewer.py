"""The viewer's benchmark notices a blank and a misplaced tile, and passes a right picture."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from openslide import OpenSlide
from PIL import Image

from pathviewer.bench.load import LoadError
from pathviewer.bench.viewer import HEIGHT, WIDTH, JourneyStop, compare

VIEW = JourneyStop(1500, 1100, 1)


def shot(picture: Image.Image) -> bytes:
    """The picture as a screenshot comes."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def right(small_phantom: Path) -> Image.Image:
    """What the browser ought to show."""
    corner = (round(VIEW.x - WIDTH / 2), round(VIEW.y - HEIGHT / 2))
    with OpenSlide(small_phantom) as slide:
        return slide.read_region(corner, 0, (WIDTH, HEIGHT)).convert("RGB")


def test_the_right_picture_passes(small_phantom: Path, right: Image.Image) -> None:
    compare(shot(right), small_phantom, VIEW, "ours")


def test_a_blanked_tile_is_noticed(small_phantom: Path, right: Image.Image) -> None:
    right.paste("white", (512, 256, 768, 512))
    with pytest.raises(LoadError, match="differs from the slide"):
        compare(shot(right), small_phantom, VIEW, "ours")


def test_a_misplaced_tile_is_noticed(small_phantom: Path, right: Image.Image) -> None:
    right.paste(right.crop((256, 512, 512, 768)), (512, 256))
    with pytest.raises(LoadError, match="differs from the slide"):
        compare(shot(right), small_phantom, VIEW, "ours")
