from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from models.errors import PromptError
from models.messages import Box, PixelBudget
from models.pictures import open_picture
from pathviewer.questions.region_picture import read_file_picture
from pathviewer.slides.errors import RegionError, SlideGone, SlideUnopenable
from pathviewer.slides.geometry import Region
from pathviewer.slides.slide import Slide
from tests.slide_files import write_scaled

BUDGET = PixelBudget(3136, 65_536)


def test_a_region_of_a_slide_keeps_its_place_and_scale(cmu: Path) -> None:
    region = Region(300, 400, 800, 600)
    found = read_file_picture(cmu, region, BUDGET)
    assert found.region == region
    assert found.pixels.size == (280, 196)
    assert found.image.box == Box(300, 400, 800, 600)
    with closing(Slide(cmu, "CMU-1")) as slide:
        whole = slide.read_region(region, 10**6)
        assert found.quickhash == slide.quickhash
        assert found.mpp == pytest.approx((slide.mpp or 0) * (800 / 280 + 600 / 196) / 2)
    plain = whole.resize((280, 196), Image.Resampling.BICUBIC)
    difference = np.asarray(plain, float) - np.asarray(found.pixels, float)
    assert np.abs(difference).mean() < 2.5


def test_the_processor_leaves_the_picture_as_it_is(cmu: Path) -> None:
    found = read_file_picture(cmu, Region(0, 0, 1500, 1100), BUDGET)
    size = {"shortest_edge": BUDGET.min_pixels, "longest_edge": BUDGET.max_pixels}
    processor = Qwen2VLImageProcessorPil(size=size)
    resized, kept = (
        processor(images=[found.pixels], do_resize=resize, return_tensors="np")
        for resize in (True, False)
    )
    assert np.array_equal(resized["image_grid_thw"], kept["image_grid_thw"])
    assert np.array_equal(resized["pixel_values"], kept["pixel_values"])


def test_a_whole_slide_is_read_reduced(cmu: Path) -> None:
    found = read_file_picture(cmu, None, BUDGET)
    assert (found.region.x, found.region.y) == (0, 0)
    assert found.pixels.width * found.pixels.height <= BUDGET.max_pixels


def test_a_small_region_is_enlarged(cmu: Path) -> None:
    assert read_file_picture(cmu, Region(5, 5, 1, 1), BUDGET).pixels.size == (56, 56)


@pytest.mark.parametrize(
    ("per_centimetre", "size", "mpp"),
    [
        ((40_000, 20_000), (224, 448), 0.25),
        ((20_000, 40_000), (448, 224), 0.25),
        ((20_000, 20_000), (224, 224), 0.5),
    ],
)
def test_oblong_pixels_reach_the_model_undistorted(
    tmp_path: Path, per_centimetre: tuple[int, int], size: tuple[int, int], mpp: float
) -> None:
    """A region of 224 x 224 level-0 pixels; the axis of the longer sides is enlarged."""
    path = write_scaled(tmp_path / "a.tiff", per_centimetre, 300, 300)
    found = read_file_picture(path, Region(50, 50, 224, 224), PixelBudget(3136, 10**6))
    assert found.pixels.size == size
    assert found.mpp == pytest.approx(mpp, rel=0.001)
    assert found.scale is not None
    assert found.scale.source == "file"


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG"])
def test_a_plain_picture_is_its_own_level_0(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"tile{suffix}"
    Image.linear_gradient("L").resize((768, 512)).save(path)
    whole = read_file_picture(path, None, BUDGET)
    assert whole.region == Region(0, 0, 768, 512)
    assert (whole.mpp, whole.quickhash) == (None, None)
    part = read_file_picture(path, Region(0, 256, 256, 256), BUDGET)
    assert part.image.box == Box(0, 256, 256, 256)
    assert open_picture(part.image.data).size == (252, 252)
    assert np.asarray(part.pixels).mean() == pytest.approx(191, abs=3)


@pytest.mark.parametrize(
    "region",
    [Region(0, 0, 0, 10), Region(-1, 0, 10, 10), Region(60, 60, 10, 10), Region(64, 0, 1, 1)],
)
def test_a_region_outside_a_picture_is_refused(tmp_path: Path, region: Region) -> None:
    path = tmp_path / "tile.png"
    Image.new("RGB", (64, 64)).save(path)
    with pytest.raises(RegionError):
        read_file_picture(path, region, BUDGET)


def test_what_cannot_be_read_is_named_without_its_folder(tmp_path: Path) -> None:
    for name, error in [
        ("gone.svs", SlideGone),
        ("broken.svs", SlideUnopenable),
        ("gone.png", PromptError),
        ("broken.png", PromptError),
    ]:
        path = tmp_path / name
        if "broken" in name:
            path.write_bytes(b"nothing to see")
        with pytest.raises(error, match=name) as caught:
            read_file_picture(path, None, BUDGET)
        assert str(tmp_path) not in str(caught.value)


def test_a_region_too_narrow_for_the_model_is_refused(cmu: Path) -> None:
    with pytest.raises(PromptError, match="too narrow"):
        read_file_picture(cmu, Region(0, 0, 2000, 5), BUDGET)
